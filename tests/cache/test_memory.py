"""The hot tier stays within its bytes, and lets the least recently used go."""

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from edgeproxy.cache.clip import Clip
from edgeproxy.cache.memory import Memory
from edgeproxy.core.key import Identity, Teller
from edgeproxy.core.voice import Voice

Identify = Callable[[str], Identity]
TELLER = Teller("ns", Voice({"model": "m", "language": "l", "speaker": "s", "rate": 8000}))


def clip_of(size: int) -> Clip:
    clip = Clip(rate=8000)
    clip.append(bytes(size))
    clip.complete()
    return clip


def test_what_is_kept_is_found(identify: Identify) -> None:
    memory, clip = Memory(limit_bytes=100), clip_of(10)
    memory.keep(identify("a"), clip)
    assert memory.get(identify("a")) is clip
    assert memory.get(identify("b")) is None


def test_the_least_recently_used_goes_first(identify: Identify) -> None:
    memory = Memory(limit_bytes=30)
    for text in "abc":
        memory.keep(identify(text), clip_of(10))
    memory.get(identify("a"))
    memory.keep(identify("d"), clip_of(10))
    assert [text for text in "abcd" if memory.get(identify(text))] == ["a", "c", "d"]


def test_all_of_a_text_is_found_and_goes_no_later_for_that() -> None:
    memory, other = Memory(limit_bytes=30), Teller("other", TELLER.voice)
    kept = [TELLER.identity("a"), other.identity("a"), TELLER.identity("b")]
    for identity in kept:
        memory.keep(identity, clip_of(10))
    assert list(memory.of_text("a")) == kept[:2]
    memory.keep(TELLER.identity("c"), clip_of(10))
    assert list(memory.of_text("a")) == kept[1:2]


def test_encoded_forms_weigh_too(identify: Identify) -> None:
    memory = Memory(limit_bytes=30)
    memory.keep(identify("a"), clip_of(10))
    held = clip_of(10)
    memory.keep(identify("b"), held)
    memory.weigh(identify("b"), held, 15)
    assert memory.get(identify("a")) is None
    assert memory.size == 25
    # Another clip of the same, which is not the one that is held.
    memory.weigh(identify("b"), clip_of(10), 1000)
    assert memory.size == 25


def test_what_is_too_large_to_keep_is_not_kept(identify: Identify) -> None:
    memory = Memory(limit_bytes=5)
    memory.keep(identify("a"), clip_of(10))
    assert (len(memory), memory.size) == (0, 0)


@given(
    steps=st.lists(
        st.tuples(st.sampled_from(["keep", "weigh", "get", "forget"]), st.sampled_from("abcdef"))
    )
)
def test_the_books_balance_whatever_happens(steps: list[tuple[str, str]]) -> None:
    memory = Memory(limit_bytes=40)
    for step, text in steps:
        identity = TELLER.identity(text)
        match step:
            case "keep":
                memory.keep(identity, clip_of(10))
            case "weigh":
                held = memory.get(identity)
                memory.weigh(identity, held or clip_of(10), 6)
            case "get":
                memory.get(identity)
            case _:
                memory.forget(identity)
        assert memory.size <= 40
        assert (memory.size == 0) == (len(memory) == 0)
    memory.purge(lambda _: True)
    assert (len(memory), memory.size) == (0, 0)
