import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeproxy.core.text import (
    Break,
    closes,
    ends_sentence_at,
    has_word,
    is_boundary,
    joins_with_space,
    last_boundary,
    letters,
    next_break,
    normalise,
)


def breaks(text: str) -> list[Break]:
    """All breaks of ``text`` (normalised, and all there is)."""
    found: list[Break] = []
    opening = start = 0
    while True:
        each, start = next_break(text, start, opening=opening, closed=True, limit=len(text))
        if each is None:
            return found
        found.append(each)
        if each.sentence:
            opening = each.end


def sentences(text: str) -> list[str]:
    """``text`` (normalised, and all there is) as its sentences."""
    ends = [end for end, sentence in breaks(text) if sentence]
    pieces = [text[start:end] for start, end in zip([0, *ends], [*ends, len(text)], strict=True)]
    return [piece.strip() for piece in pieces if piece.strip()]


# -- normal form ----------------------------------------------------------------------------------


def test_white_space_is_trimmed_and_each_run_is_one_space() -> None:
    assert normalise(" \n Hello,\t\u00a0 world \u2003") == "Hello, world"


def test_nfc_and_nfd_are_one_text() -> None:
    text = "café কোন फ़ोन"
    assert normalise(unicodedata.normalize("NFD", text)) == normalise(text)


def test_joiners_numbers_and_capitals_stay() -> None:
    text = "क्\u200dष क्\u200cष १२ 12 Rao RAO"
    assert normalise(text) == text


def test_a_nul_or_a_lone_surrogate_is_an_ordinary_character() -> None:
    assert normalise("a\0b \ud800") == "a\0b \ud800"


@given(st.text())
def test_the_normal_form_of_a_normal_form_is_itself(text: str) -> None:
    assert normalise(normalise(text)) == normalise(text)


def test_vowel_signs_are_letters_and_accents_viramas_and_nuktas_are_not() -> None:
    assert letters("हाँ") == 3
    assert letters("प्र") == 2
    assert letters("ज़") == 1
    assert letters("e\u0301") == letters("é") == 1
    assert letters("3️⃣ 5.") == 0


def test_a_word_has_a_letter_or_a_digit() -> None:
    assert has_word('"5')
    assert has_word("है")
    assert not has_word('… 😀 _ —"')


# -- sentences ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "Hello there. | How are you? | Fine! | Well… | Good",
        "Wait... | what?! | Really??",
        "नमस्ते। | आप कैसे हैं? | ठीक॥ | अच्छा।। | धन्यवाद",
        "آپ کیسے ہیں؟ | میں ٹھیک ہوں۔ | شکریہ۔",
        "Your balance is Rs. 1,250.50 today. | Thank you.",
        "Pay Rs. 1,25,000 or ₹ 5. | Then रु. 500 or ரூ. 500.",
        "Dr. Rao is here. | Mrs. Sen left. | Ask dr. sen.",
        "डॉ. राव आए। | प्रो. सेन गए। | श्रीमती. देवी आईं।",
        "ডা. সেন এলেন। | ডাঃ. রায় গেলেন।",
        "ਡਾ. ਸਿੰਘ ਆਏ। | ਠੀਕ ਹੈ।",
        "ડૉ. પટેલ આવ્યા. | સારું.",
        "ଡା. ଦାସ ଆସିଲେ। | ଭଲ।",
        "டாக். ராமன் வந்தார். | திரு. குமார் போனார்.",
        "డా. రావు వచ్చారు. | సరే.",
        "ಡಾ. ರಾವ್ ಬಂದರು. | ಸರಿ.",
        "ഡോ. നായർ വന്നു. | ശരി.",
        "ڈا. خان آئے۔ | ٹھیک ہے۔",
        "A. P. J. Abdul Kalam came. | A.P.J. Abdul Kalam went.",
        "ए. पी. जे. अब्दुल कलाम आए। | एम. जी. रामचंद्रन गए।",
        "எம். ஜி. ராமச்சந்திரன் வந்தார். | சரி.",
        "He is in the U.S. today, e.g. in Texas. | She has a Ph.D. in law.",
        "See https://sarvam.ai/a?b=c.d!e or www.sarvam.ai. | Then call.",
        "Mail help.me@sarvam.co.in. | We answer.",
        "Mail help@sarvam. co.in or see www. sarvam.ai. | Ask @sarvam. | Bye.",
        "It is 10:30. | Come at 5 p.m. today.",
        "Great! | 😀 So.",
        'She said "Come in." | He (the host) left.) | “Really?” | ‘Yes.’ | Fine.”)',
        "वह बोला, “आइए।” | (ठीक है।) | अच्छा",
        "1. Open it. | 2. Close it. | १. खोलिए। | 1.2. Then go.",
        "۱۰۔ پہلا نکتہ۔ | دوسرا۔",
        "The answer is 42. | It was 3.5. | Done",
        "मैं यहीं हूँ. | वह घर पर है. | हाँ. | जी. | आइए.",
        "No. | I said no.",
        ".",
    ],
)
def test_sentences_end_at(text: str) -> None:
    expected = [piece.strip() for piece in text.split("|")]
    assert sentences(normalise(text.replace("|", ""))) == expected


def test_dandas_end_a_sentence_wherever_they_stand() -> None:
    assert sentences("क्या।कब॥कहाँ") == ["क्या।", "कब॥", "कहाँ"]
    assert sentences("کیا؟ہاں۔اچھا") == ["کیا؟", "ہاں۔", "اچھا"]
    assert sentences("وہ اے۔ اچھا") == ["وہ اے۔", "اچھا"]
    assert sentences("सुनिए।1. खोलिए।") == ["सुनिए।", "1. खोलिए।"]


def test_other_marks_do_so_only_before_white_space() -> None:
    assert sentences("a.b c!d e?f g…h") == ["a.b c!d e?f g…h"]


def test_a_mark_within_a_grapheme_cluster_ends_nothing() -> None:
    assert sentences("है।\u200d अब। !\ufe0f अब") == ["है।\u200d अब।", "!\ufe0f अब"]


def test_clauses_end_at_their_marks_before_white_space_and_at_dashes_anywhere() -> None:
    text = "a, b; c: d،e، f؛ 1,250 at 10:30 https://x—y—— z"
    ends = [text[:end] for end, sentence in breaks(text) if not sentence]
    assert [end[-2:] for end in ends] == ["a,", "b;", "c:", "e،", "f؛", "x—", "——"]


def test_a_mark_at_the_end_waits_for_what_follows() -> None:
    text = 'Bye!"'
    assert next_break(text, 0, opening=0, closed=False, limit=99) == (None, 3)
    assert next_break(text, 3, opening=0, closed=True, limit=99) == (Break(5, True), 5)


def test_a_mark_past_the_limit_waits_for_the_cut_before_it() -> None:
    assert next_break("Hello... you", 0, opening=0, closed=True, limit=7) == (None, 5)
    assert next_break("Hello... you", 5, opening=0, closed=True, limit=8) == (Break(8, True), 8)


def test_digits_open_a_list_only_where_a_sentence_begins() -> None:
    assert next_break("10. Go", 0, opening=0, closed=True, limit=99) == (None, 6)
    assert next_break("10. Go", 0, opening=-1, closed=True, limit=99) == (Break(3, True), 3)


def test_the_end_of_a_sentence_is_known_by_what_follows_it() -> None:
    text = 'Hi. No. 1. Go." Bye.'
    ends = [at for at in range(len(text) + 1) if ends_sentence_at(text, at, closed=True)]
    assert [text[:end] for end in ends] == ["Hi.", "Hi. No.", 'Hi. No. 1. Go."', text]
    assert not ends_sentence_at(text, len(text), closed=False)


# -- where messages join --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("Hi.", "Rao"),
        ("हाँ।", "आइए"),
        ("ना।", "५ लोग"),
        ("Sure!", "3 of them"),
        ('He said "Yes."', "Then he left"),
        ("Hello.", "“Yes"),
        ("Hello.", '"Yes'),
        ("Hello.", "(Yes"),
        ("It costs Rs.", "₹500"),
        ("hello there", "How are you"),
        ("नमस्ते जी", "आप कैसे"),
    ],
)
def test_a_stripped_space_goes_back_in(before: str, after: str) -> None:
    assert joins_with_space(before, after)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("3", "."),
        (".", "5"),
        ("3.", "5"),
        ("A.", "P."),
        ("Hello", "world"),
        ("Hello.", ".."),
        ("Hello.", '"'),
        ("Hello.", '" he said'),
        ("Hello.", ")"),
        ("hello there", "my friend"),
        ("hello there", "s"),
        ("hello there, Ra", "o"),
        ("I saw John", "'s new book"),
        ("आप कै", "ि सा है"),
        ("", "Hello there"),
    ],
)
def test_tokens_are_joined_as_they_are(before: str, after: str) -> None:
    assert not joins_with_space(before, after)


@pytest.mark.parametrize("message", ["Hello there.", "Sure.", "Hi!", "A!", "5?", "हाँ।", 'Sure."'])
def test_the_end_of_a_sentence_is_trusted(message: str) -> None:
    assert closes(message)


@pytest.mark.parametrize("message", ["", ".", "3.", "Hi.", "।", '"', "250.", "No,", "Sure", '."'])
def test_the_end_of_a_token_is_not(message: str) -> None:
    assert not closes(message)


# -- cutting without marks ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "cluster",
    [
        "कि",
        "ज़",
        "क्ष",
        "क्\u200dष",
        "e\u0301",
        "ക്ക",
        "👍🏽",
        "👩\u200d👩\u200d👧",
        "❤\ufe0f",
        "🇮🇳",
        "3\ufe0f\u20e3",
        "\u0d4eക",
    ],
)
def test_a_grapheme_cluster_has_no_boundary_within(cluster: str) -> None:
    text = "अ" + cluster + "अ"
    assert [at for at in range(1, len(text)) if is_boundary(text, at)] == [1, len(text) - 1]


def test_flags_are_cut_between_pairs() -> None:
    flags = "🇮🇳🇳🇵🇱🇰"
    assert [at for at in range(1, 6) if is_boundary(flags, at)] == [2, 4]


def test_the_last_space_is_preferred_then_the_last_boundary_then_the_limit() -> None:
    assert last_boundary("ab cd ef", 6) == 5
    assert last_boundary("ab cd ef", 5) == 5
    assert last_boundary("abकि", 3) == 2
    assert last_boundary("e" + "\u0301\u0302" * 4, 5) == 5
