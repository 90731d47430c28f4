import pytest

from edgeproxy.emulator.utterance import chunks, message_bytes, split, spoil


def test_a_text_is_cut_at_the_ends_of_its_sentences() -> None:
    text = "First one. Is it? Yes! It costs Rs.12.50 today. नमस्ते। आप कैसे हैं?"
    assert split(text, limit=20) == [
        "First one. Is it? ",
        "Yes! ",
        "It costs Rs.12.50 ",
        "today. नमस्ते। ",
        "आप कैसे हैं?",
    ]
    assert split(text, limit=500) == [text]
    assert split("", limit=50) == []


def test_a_sentence_without_end_is_cut_at_a_space_else_anywhere() -> None:
    assert split("one two three four", limit=10) == ["one two ", "three four"]
    assert split("x" * 25, limit=10) == ["x" * 10, "x" * 10, "x" * 5]


@pytest.mark.parametrize(
    "text", ["a. b", "...", " \n leading. and\ntrailing \n", "एक।दो॥ तीन", "a" * 99 + ". b"]
)
def test_no_character_is_lost_and_no_piece_too_long(text: str) -> None:
    for limit in (1, 3, 50):
        pieces = split(text, limit=limit)
        assert "".join(pieces) == text
        assert all(0 < len(piece) <= limit for piece in pieces)


def test_chunks_are_all_of_one_size_but_the_last() -> None:
    assert chunks(b"abcdefg", size=3) == [b"abc", b"def", b"g"]
    assert chunks(b"", size=3) == []
    assert (message_bytes(24000), message_bytes(8000)) == (16384, 8800)


def test_spoilt_sound_is_whole_samples_still() -> None:
    pcm = bytes(range(10))
    assert spoil(pcm, {}) == pcm
    assert spoil(pcm, {"short"}) == pcm[:4]
    assert spoil(pcm, {"short", "silence"}) == bytes(4)
    assert spoil(pcm, {"empty", "silence"}) == b""
