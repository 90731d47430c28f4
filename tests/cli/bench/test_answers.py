from time import perf_counter

import pytest

from edgeproxy.cli.bench.answers import ANSWERS, TOKEN_S, Answer, Feed, first_words_s, tokens
from edgeproxy.core.turn import Cuts
from edgeproxy.sarvam import fields, models

SHORT = {"greeting", "goodbye"}


def test_the_six_are_those_of_the_seed() -> None:
    assert [answer.name for answer in ANSWERS] == [
        "greeting",
        "fracture surgery",
        "hand fracture",
        "stress fracture",
        "sports injuries",
        "goodbye",
    ]


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: answer.name)
def test_each_answer_is_as_long_as_the_seeds(answer: Answer) -> None:
    low, high = (20, 60) if answer.name in SHORT else (150, 300)
    assert low <= len(answer.text) <= high


def test_three_languages_have_two_answers_each() -> None:
    languages = [answer.language for answer in ANSWERS]
    assert {language: languages.count(language) for language in languages} == {
        "hi-IN": 2,
        "en-IN": 2,
        "ta-IN": 2,
    }


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: answer.name)
def test_each_voice_is_one_the_model_has(answer: Answer) -> None:
    read = fields.read(answer.voice, rates=models.WS_RATES)
    models.check_ranges(models.audible(read)["model"], read)
    assert answer.speaker in models.MODELS[answer.voice["model"]].speakers


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: answer.name)
def test_tokens_are_short_and_joined_are_the_text(answer: Answer) -> None:
    pieces = tokens(answer.text)
    assert "".join(pieces) == answer.text
    assert max(len(piece.strip()) for piece in pieces) <= 4


async def test_a_feed_at_once_is_one_piece() -> None:
    assert [piece async for piece in Feed("One moment, please.", token_s=0)] == [
        "One moment, please."
    ]


async def test_a_feed_begins_its_clock_with_its_first_piece_and_keeps_to_it() -> None:
    feed = Feed("One moment", token_s=0.01)
    made = feed.began
    arrived = [(piece, perf_counter() - feed.began) async for piece in feed]
    assert [piece for piece, _ in arrived] == ["One", " mome", "nt"]
    assert all(at >= number * 0.01 for number, (_, at) in enumerate(arrived))
    assert feed.began > made


def test_first_words_take_until_the_first_sentence_is_there() -> None:
    text = "One moment, please. I look it up."
    at_once = first_words_s(text, token_s=0, cuts=Cuts())
    assert at_once == 0
    upto = tokens(text).index("se.")
    paced = first_words_s(text, token_s=TOKEN_S, cuts=Cuts())
    # With the mark itself, or with the space that shows it was the end of a sentence.
    assert paced in (upto * TOKEN_S, (upto + 1) * TOKEN_S)


def test_a_text_without_an_end_takes_all_its_tokens() -> None:
    assert first_words_s("One moment", token_s=1.0, cuts=Cuts()) == 2.0
