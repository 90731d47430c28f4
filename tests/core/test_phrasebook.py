from hypothesis import given
from hypothesis import strategies as st

from edgeproxy.core.phrasebook import EMPTY, Phrasebook


def test_the_longest_phrase_that_a_text_begins_with_is_found() -> None:
    book = Phrasebook(7, ["Hello.", "Hello. How are you?", "Hell", "Help."])
    assert book.longest_prefix("Hello. How are you? Well.") == len("Hello. How are you?")
    assert book.longest_prefix("Hello. How is it?") == len("Hello.")
    assert book.longest_prefix("Bye.") is None
    assert book.generation == 7


def test_all_phrases_that_a_text_begins_with_come_longest_first() -> None:
    book = Phrasebook(1, ["a", "ab", "abc", "abd", "b"])
    assert list(book.prefixes("abd!")) == [3, 2, 1]
    assert list(book.prefixes("ac")) == [1]


def test_a_proper_prefix_is_shorter_than_its_phrase() -> None:
    book = Phrasebook(1, ["Hello. How are you?"])
    assert book.is_proper_prefix("Hello. How")
    assert not book.is_proper_prefix("Hello. How are you?")
    assert not book.is_proper_prefix("Hello. Who")


def test_phrases_are_compared_in_their_normal_form() -> None:
    book = Phrasebook(1, ["  cafe\u0301 \n au  lait ", "café au lait", " "])
    assert len(book) == 1
    assert book.longest_prefix("café au lait.") == len("café au lait")


def test_an_empty_book_never_matches() -> None:
    assert not EMPTY
    assert not EMPTY.is_proper_prefix("")
    assert EMPTY.longest_prefix("Hello.") is None


@given(st.lists(st.text("ab ", max_size=6)), st.text("ab ", max_size=8).map(str.strip))
def test_the_index_answers_like_a_search_through_all_phrases(phrases: list[str], text: str) -> None:
    known = {" ".join(phrase.split()) for phrase in phrases} - {""}
    text = " ".join(text.split())
    book = Phrasebook(1, phrases)
    assert list(book.prefixes(text)) == sorted(
        (len(phrase) for phrase in known if text.startswith(phrase)), reverse=True
    )
    assert book.is_proper_prefix(text) == any(
        phrase.startswith(text) and phrase != text for phrase in known
    )


def test_thousands_of_phrases_are_found_like_a_few() -> None:
    phrases = [f"Phrase {number}. Go on." for number in range(3000)]
    book = Phrasebook(1, phrases)
    assert all(book.longest_prefix(f"{phrase} And more.") == len(phrase) for phrase in phrases)
    assert book.is_proper_prefix("Phrase 2999. Go")
