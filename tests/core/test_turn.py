import unicodedata
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from edgeproxy.core.phrasebook import EMPTY, Phrasebook
from edgeproxy.core.text import extends, is_boundary, normalise
from edgeproxy.core.turn import Cut, Cuts, Turn, split

CUTS = Cuts()
SMALL = Cuts(min_segment_chars=3, clause_chars=12, first_clause_chars=8, max_segment_chars=20)


def texts(cuts: list[Cut]) -> list[str]:
    return [cut.text for cut in cuts]


def say(
    *messages: str, cuts: Cuts = CUTS, phrases: Phrasebook = EMPTY, flush: bool = True
) -> list[Cut]:
    """What a turn of these messages becomes."""
    turn = Turn(cuts, phrases)
    said = [cut for message in messages for cut in turn.feed(message)]
    return said + turn.flush() if flush else said


# -- settings -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("min_segment_chars", 0),
        ("clause_chars", 2),
        ("clause_chars", 201),
        ("first_clause_chars", 2),
        ("first_clause_chars", 201),
        ("max_segment_chars", 2001),
    ],
)
def test_a_cut_out_of_bounds_is_refused_by_name(name: str, value: int) -> None:
    with pytest.raises(ValueError, match=f"{name} is {value}; .* allowed"):
        Cuts(**{name: value})


def test_segments_can_not_be_as_short_as_words() -> None:
    with pytest.raises(ValueError, match="max_segment_chars is 19"):
        Cuts(clause_chars=10, first_clause_chars=10, max_segment_chars=19)


# -- as early as can be ---------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["Namaste, aap kaise hain?", "Sure!", "Sure.", "हाँ।", "Go on…"])
def test_a_message_that_ends_a_sentence_is_acted_on_at_once(text: str) -> None:
    assert say(text, flush=False) == [Cut(text)]


def test_all_but_the_last_sentence_of_a_message_are_decided_by_it() -> None:
    turn = Turn(CUTS)
    assert texts(turn.feed("Hi. Sure! And then")) == ["Hi.", "Sure!"]
    assert turn.pending == "And then"
    assert texts(turn.flush()) == ["And then"]
    assert turn.pending == ""


@pytest.mark.parametrize(
    "message", ["Please ask Dr.", "It costs Rs.", "We met A. P.", "Visit www."]
)
def test_an_abbreviation_at_the_end_of_a_message_waits(message: str) -> None:
    assert say(message, flush=False) == []


def test_tokens_keep_their_spaces_and_nothing_else_is_put_in() -> None:
    tokens = ["It", " costs", " Rs", ".", " ", "1", ",", "250", ".", "50", ".", " Dr", ".", " Rao"]
    assert texts(say(*tokens)) == ["It costs Rs. 1,250.50.", "Dr. Rao"]


def test_an_empty_or_a_blank_turn_says_nothing() -> None:
    assert say() == say("") == say(" ", "\n") == []


def test_a_turn_is_fresh_after_its_flush() -> None:
    turn = Turn(SMALL)
    first = turn.feed("Hello dear, so") + turn.flush()
    assert turn.feed("Hello dear, so") + turn.flush() == first
    assert texts(first) == ["Hello dear,", "so"]


# -- segments -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "Hi. | Sure! | Your balance is Rs. 1,250.50. | Dr. Rao will call. | Bye",
        "A! Hello there. | Fine.",
        "आ। चलो। | ठीक है।",
        "Great! | 😀 Now we go. | 👍",
        "... and so on. | “Really?” | Yes.",
        "नमस्ते। | डॉ. राव को Rs. 1,25,000 दीजिए। | क्या? | ठीक॥ | अच्छा",
        "ٹھیک ہے۔ | کیا؟ | ہاں۔",
        "1. Open the app. | 2. Close it. | No final mark at all",
    ],
)
def test_a_turn_is_cut_at(text: str) -> None:
    expected = [piece.strip() for piece in text.split("|")]
    assert texts(split(normalise(text.replace("|", "")), CUTS)) == expected


@pytest.mark.parametrize("mark", [",", ";", ":", "،", "؛"])
def test_a_clause_mark_counts_from_its_sixtieth_character_on(mark: str) -> None:
    early = "x" * 58 + mark + " and more of it"
    assert texts(split(early, CUTS)) == [early]
    late = "x" * 59 + mark + " and more of it"
    assert texts(split(late, CUTS)) == ["x" * 59 + mark, "and more of it"]


def test_digits_behind_a_clause_cut_open_no_list() -> None:
    assert texts(split("x" * 59 + ", 10. Next", CUTS)) == ["x" * 59 + ",", "10.", "Next"]


def test_the_clause_of_a_first_segment_may_be_shorter() -> None:
    cuts = Cuts(first_clause_chars=12)
    assert texts(split("Dear listener, dear listener, yes.", cuts)) == [
        "Dear listener,",
        "dear listener, yes.",
    ]


@pytest.mark.parametrize("word", ["10:30", "https://sarvam.ai", "1,25,000", "Rs.1,25,000"])
def test_a_mark_within_a_word_at_the_sixtieth_character_does_not_count(word: str) -> None:
    mark = next(at for at, char in enumerate(word) if char in ":,")
    text = "x" * (58 - mark) + " " + word + " it is"
    assert text[59] in ":,"
    assert texts(split(text, CUTS)) == [text]


def test_a_dash_ends_a_clause_anywhere() -> None:
    assert texts(split("x" * 70 + "—y", CUTS)) == ["x" * 70 + "—", "y"]


def test_a_long_sentence_with_spaces_is_cut_at_the_last_space() -> None:
    text = " ".join(["नमस्ते"] * 357)
    segments = texts(split(text, CUTS))
    assert " ".join(segments) == text
    assert all(190 < len(segment) <= 200 for segment in segments[:-1])


def test_a_long_sentence_without_spaces_is_cut_between_clusters() -> None:
    text = "कि" * 1250
    segments = texts(split(text, CUTS))
    assert "".join(segments) == text
    assert {len(segment) for segment in segments} == {200, 100}
    odd = texts(split("x" + text, CUTS))
    assert [len(segment) for segment in odd[:2]] == [199, 200]


def test_a_sentence_of_just_the_greatest_length_stays_whole() -> None:
    text = "x" * 100 + " " + "y" * 98 + "."
    assert texts(split(text + " Next", CUTS)) == [text, "Next"]


def test_what_is_pending_and_spoken_is_in_normal_form() -> None:
    assert texts(say("  cafe", "\u0301  au ", " lait.  ")) == ["café au lait."]


def test_a_nul_or_a_lone_surrogate_is_spoken_like_the_rest() -> None:
    assert texts(split("a\0b. \ud800 c.", CUTS)) == ["a\0b.", "\ud800 c."]


# -- whole phrases --------------------------------------------------------------------------------

GREETING = "Namaste! Welcome to Acme."
BOOK = Phrasebook(1, [GREETING, "Namaste!", "Thank you. Bye. See you soon."])


def test_a_whole_phrase_is_one_segment_and_what_follows_is_cut_as_ever() -> None:
    assert say(GREETING + " Hi. Thank you. Bye. See you soon.", phrases=BOOK) == [
        Cut(GREETING, whole=True),
        Cut("Hi."),
        Cut("Thank you. Bye. See you soon.", whole=True),
    ]


def test_the_turn_holds_while_the_text_may_become_a_whole_phrase_and_no_longer() -> None:
    turn = Turn(CUTS, BOOK)
    seen = [(turn.feed(message), turn.holding) for message in ["Namaste!", "Welcome to", " Acme"]]
    assert seen == [([], True)] * 3
    assert turn.feed(" is here.") == [Cut("Namaste!", whole=True), Cut("Welcome to Acme is here.")]


def test_a_turn_does_not_hold_what_no_phrase_begins_with() -> None:
    turn = Turn(CUTS, BOOK)
    assert [(turn.feed(message), turn.holding) for message in ["", "Hello", " the"]] == [
        ([], False)
    ] * 3


def test_a_whole_phrase_that_ends_in_a_token_waits_to_see_whether_it_ends() -> None:
    turn = Turn(CUTS, BOOK)
    tokens = ["Namaste", "!", " Welcome", " to", " Acme", "."]
    assert [turn.feed(token) for token in tokens] == [[]] * 6
    assert turn.release() == [Cut(GREETING, whole=True)]  # nothing followed for long enough
    said = [cut for token in [*tokens, '"', " Hi"] for cut in turn.feed(token)]
    assert said == [Cut("Namaste!", whole=True), Cut('Welcome to Acme."')]


def test_a_phrase_completed_by_a_sentence_is_said_at_once() -> None:
    assert say("Namaste!", "Welcome to Acme.", phrases=BOOK, flush=False) == [
        Cut(GREETING, whole=True)
    ]


def test_a_text_that_turns_away_falls_back_at_once_to_the_shorter_phrase() -> None:
    turn = Turn(CUTS, BOOK)
    assert turn.feed("Namaste! Welcome") == []
    assert turn.feed(" back.") == [Cut("Namaste!", whole=True), Cut("Welcome back.")]
    assert not turn.holding


def test_a_released_turn_says_the_sentences_that_are_complete() -> None:
    turn = Turn(CUTS, BOOK)
    assert turn.feed("Thank you. Bye. See") == []
    assert turn.release() == [Cut("Thank you."), Cut("Bye.")]
    assert (turn.pending, turn.holding) == ("See", False)
    assert turn.feed(" you soon.") == [Cut("See you soon.")]


def test_a_release_that_cuts_nothing_loses_nothing() -> None:
    turn = Turn(CUTS, BOOK)
    turn.feed("Nam")
    assert turn.release() == []
    assert turn.feed("aste! Welcome to Acme.") == [Cut(GREETING, whole=True)]


def test_a_hold_never_outlasts_the_flush() -> None:
    assert say("Namaste! Welcome", phrases=BOOK) == [
        Cut("Namaste!", whole=True),
        Cut("Welcome"),
    ]


def test_a_phrase_that_does_not_end_a_sentence_here_is_not_meant() -> None:
    book = Phrasebook(1, ["Welcome to Acme", "He said: Go."])
    assert say("Welcome to Acme today.", phrases=book) == [Cut("Welcome to Acme today.")]
    assert say("Welcome to Acme.", phrases=book) == [Cut("Welcome to Acme.")]
    assert say("Welcome to Acme", phrases=book) == [Cut("Welcome to Acme", whole=True)]
    assert say('He said: Go." Yes', phrases=book) == [Cut('He said: Go."'), Cut("Yes")]


def test_a_phrase_without_a_mark_keeps_its_sentences_back_until_it_is_known_to_end() -> None:
    turn = Turn(CUTS, Phrasebook(1, ["Hello dear. Call us"]))
    assert turn.feed("Hello dear. Call us") == []
    assert turn.holding
    assert turn.flush() == [Cut("Hello dear. Call us", whole=True)]
    turn.feed("Hello dear. Call us")
    assert turn.feed(" now.") == [Cut("Hello dear."), Cut("Call us now.")]


def test_a_phrase_is_looked_for_only_where_a_sentence_begins() -> None:
    book = Phrasebook(1, ["good friends, good night."])
    text = (
        "Good evening to all of you wherever you are listening tonight, good friends, good night."
    )
    assert say(text, phrases=book) == [
        Cut("Good evening to all of you wherever you are listening tonight,"),
        Cut("good friends, good night."),
    ]


def test_a_whole_phrase_may_be_longer_than_any_segment() -> None:
    long = "Well, " * 60 + "bye."
    assert say(long, phrases=Phrasebook(1, [long])) == [Cut(long, whole=True)]


def test_phrases_match_however_they_are_written() -> None:
    book = Phrasebook(1, ["Le  café. Bon."])
    assert say("Le cafe\u0301.\n", "Bon. ", phrases=book) == [Cut("Le café. Bon.", whole=True)]


# -- clients that never flush ---------------------------------------------------------------------


def test_an_idle_turn_is_spoken_up_to_its_last_space_and_then_to_its_end() -> None:
    turn = Turn(CUTS)
    turn.feed("I was about to s")
    assert turn.idle() == [Cut("I was about to", keep=False)]
    assert (turn.pending, turn.idled) == ("s", True)
    assert turn.idle() == [Cut("s", keep=False)]
    assert (turn.pending, turn.idled) == ("", False)
    assert turn.idle() == []


def test_one_word_waits_for_the_second_silence() -> None:
    turn = Turn(CUTS)
    turn.feed("Namaste")
    assert turn.idle() == []
    assert turn.idle() == [Cut("Namaste", keep=False)]


def test_text_that_comes_back_starts_the_silence_anew() -> None:
    turn = Turn(CUTS)
    turn.feed("Namaste")
    assert turn.idle() == []
    assert turn.feed(" all.") == [Cut("Namaste all.")]  # the clock had no say in it
    turn.feed("One two")
    turn.idle()
    turn.feed(" three fo")
    assert turn.idle() == [Cut("two three", keep=False)]


def test_the_rest_of_an_idle_sentence_is_not_kept_and_the_next_one_is() -> None:
    turn = Turn(CUTS)
    turn.feed("I was about to s")
    turn.idle()
    assert turn.feed("o. Next one. And") == [Cut("so.", keep=False), Cut("Next one.")]
    turn.idle()
    turn.feed(" no")
    assert turn.flush() == [Cut("And no", keep=True)]


def test_a_short_rest_does_not_spoil_the_next_sentence() -> None:
    turn = Turn(CUTS)
    turn.feed("I was about t")
    turn.idle()
    assert turn.feed("! Next one.") == [Cut("t!", keep=False), Cut("Next one.")]


def test_a_sentence_that_silence_ended_is_over() -> None:
    turn = Turn(CUTS, BOOK)
    turn.feed("See you")
    turn.feed(".")
    assert turn.idle() + turn.idle() == [Cut("See", keep=False), Cut("you.", keep=False)]
    assert turn.feed(" " + GREETING) == [Cut(GREETING, whole=True)]


def test_idleness_releases_a_hold_first() -> None:
    turn = Turn(CUTS, BOOK)
    turn.feed("Thank you. Bye. See you so")
    assert turn.idle() == [Cut("Thank you."), Cut("Bye."), Cut("See you", keep=False)]


# -- a config in between --------------------------------------------------------------------------


def test_a_config_has_everything_before_it_spoken_first() -> None:
    turn = Turn(CUTS, BOOK)
    turn.feed("Namaste! Welcome")
    assert turn.config_changed() == [Cut("Namaste!", whole=True), Cut("Welcome")]
    assert turn.config_changed() == []
    assert turn.feed(GREETING) == [Cut(GREETING, whole=True)]


def test_only_the_first_segment_of_a_turn_is_its_first_config_or_not() -> None:
    turn = Turn(SMALL)
    assert turn.config_changed() == []
    assert texts(turn.feed("Hi dears, ok")) == ["Hi dears,"]
    turn.config_changed()
    assert turn.feed("Hi dears, ok") == []


# -- a pure function of the text ------------------------------------------------------------------

CHARACTERS = (
    "abzAPJ 019 .,!?…;:—।॥۔؟،؛\"'”’)“([   \n"
    "कषरिाी्ँ़ंঅকোোঁਕੀੱਜકેૉଡାକିகொொபிరావుಡಾಕಿക്കൊൊالکہیے"
    "\u200c\u200d\u0301\u0323é₹😀👍🏽❤\ufe0f🇮🇳"
)
WORDS = [
    word
    for line in (
        "Namaste aap kaise hain Dr. Rao Rs. 1,250.50 A. P. 10:30 Well, so: https://a.b/c?d=e!f",
        'help@sarvam.ai U.S. 3.5 No. 42 (so) “yes” "ok" नमस्ते, आप डॉ. राव रु. ए. पी. हाँ क्\u200dष है',
        "আপনি ডা. কেমন ਤੁਸੀਂ ਡਾ. તમે ડૉ. ଆପଣ ଡା. நீங்கள் எம். మీరు డా. ನೀವು ಡಾ. നിങ്ങൾ ഡോ. آپ، کیسے",
    )
    for word in line.split()
]
ENDS = [".", "!", "?", "…", "...", "।", "॥", "۔", "؟", "?!", '."', "!)", "।”"]

mixed = st.text(CHARACTERS, max_size=120)
words = st.lists(st.sampled_from([*WORDS, "—", "-", "😀"]), min_size=1, max_size=12).map(" ".join)


@st.composite
def sentence(draw: st.DrawFn) -> str:
    body = draw(st.lists(st.sampled_from(WORDS), min_size=1, max_size=9))
    # A sentence of one letter, or of none, is a token to the rule that joins messages.
    assume(sum(map(str.isalpha, "".join(body))) >= 2)
    opening = draw(st.sampled_from(["", "", "", "“", "("]))
    return opening + " ".join(body).rstrip(".") + draw(st.sampled_from(ENDS))


glued = st.lists(st.sampled_from([*WORDS, *ENDS, *" 😀——,    "]), max_size=40).map("".join)
speeches = st.lists(sentence(), min_size=1, max_size=6)
texts_of_all_kinds = st.one_of(mixed, words, glued, speeches.map(" ".join))
some_cuts = st.sampled_from([CUTS, SMALL, Cuts(first_clause_chars=24)])


def has_no_endless_cluster(text: str) -> bool:
    """No cluster is as long as a whole segment: only such a one is cut within."""
    run = 0
    for char in unicodedata.normalize("NFD", text):
        run = run + 1 if extends(char) or unicodedata.combining(char) else 0
        if run > 6:
            return False
    return True


@given(texts_of_all_kinds, some_cuts)
def test_no_character_is_lost_or_changed(text: str, cuts: Cuts) -> None:
    spoken = "".join(texts(split(text, cuts)))
    assert spoken.replace(" ", "") == normalise(text).replace(" ", "")


@given(texts_of_all_kinds, some_cuts)
def test_segments_are_short_trimmed_and_between_clusters(text: str, cuts: Cuts) -> None:
    assume(has_no_endless_cluster(text))
    segments = texts(split(text, cuts))
    whole, at = normalise(text), 0
    for segment in segments:
        assert segment == normalise(segment)
        assert 0 < len(segment) <= cuts.max_segment_chars
        assert whole.startswith(segment, at)
        at += len(segment)
        if at < len(whole) and whole[at] == " ":
            at += 1
        elif at < len(whole):
            assert is_boundary(whole, at)
    assert at == len(whole)


@given(texts_of_all_kinds, some_cuts)
def test_one_character_per_message_gives_the_same_cuts(text: str, cuts: Cuts) -> None:
    assume(has_no_endless_cluster(text))
    assert say(*text, cuts=cuts) == split(text, cuts)


@given(texts_of_all_kinds, some_cuts, st.data())
def test_any_split_at_word_boundaries_gives_the_same_cuts(
    text: str, cuts: Cuts, data: st.DataObject
) -> None:
    # Before, within or behind the white space: it stays with one message or with both.
    joints = [at for at in range(1, len(text)) if text[at - 1].isspace() or text[at].isspace()]
    chosen = sorted(data.draw(st.sets(st.sampled_from(joints)))) if joints else []
    messages = [text[start:end] for start, end in pairwise([0, *chosen, len(text)])]
    assert say(*messages, cuts=cuts) == split(text, cuts)


@given(speeches, some_cuts, st.data())
def test_sentences_sent_without_their_spaces_give_the_same_cuts(
    said: list[str], cuts: Cuts, data: st.DataObject
) -> None:
    messages = [said[0]]
    for each in said[1:]:  # some splitters send short sentences together
        if data.draw(st.booleans()):
            messages.append(each)
        else:
            messages[-1] += " " + each
    assert say(*messages, cuts=cuts) == split(" ".join(said), cuts)


@given(texts_of_all_kinds, some_cuts)
def test_nfc_and_nfd_give_the_same_cuts(text: str, cuts: Cuts) -> None:
    assume(has_no_endless_cluster(text))
    decomposed = unicodedata.normalize("NFD", text)
    assert split(decomposed, cuts) == split(text, cuts)
    assert say(*decomposed, cuts=cuts) == split(text, cuts)


@given(speeches, some_cuts, st.data())
def test_whole_phrases_do_not_depend_on_messages_either(
    said: list[str], cuts: Cuts, data: st.DataObject
) -> None:
    starts = st.integers(0, len(said) - 1)
    phrases = [
        " ".join(said[start : start + data.draw(st.integers(1, 3))])
        for start in data.draw(st.lists(starts, max_size=4))
    ]
    book = Phrasebook(1, phrases)
    expected = split(" ".join(said), cuts, book)
    assert say(*" ".join(said), cuts=cuts, phrases=book) == expected
    assert say(*said, cuts=cuts, phrases=book) == expected
    assert say(*(each + " " for each in said), cuts=cuts, phrases=book) == expected


@given(texts_of_all_kinds, st.data())
def test_no_character_is_lost_whatever_time_brings(text: str, data: st.DataObject) -> None:
    turn, said = Turn(SMALL, Phrasebook(1, [text[:20], text[:40]])), []
    events = st.sampled_from([turn.release, turn.idle, turn.config_changed])
    for message in text.split(" "):
        said += turn.feed(message + " ")
        for happen in data.draw(st.lists(events, max_size=2)):
            said += happen()
    said += turn.flush()
    spoken = "".join(texts(said)).replace(" ", "")
    assert spoken == normalise(text).replace(" ", "")


def test_what_need_not_be_remembered_is_cut_the_same() -> None:
    text = "Hello there. How are you today? Fine, thank you."
    assert split(text, Cuts(), remember=False) == split(text, Cuts())
