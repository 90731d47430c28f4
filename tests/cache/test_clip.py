"""A clip's promises: every reader hears the same, and never a cut end as an end."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeproxy.cache.clip import Clip, ClipFailed, State

PIECES = st.lists(st.binary(min_size=2, max_size=40).filter(lambda data: len(data) % 2 == 0))


def test_a_new_clip_is_growing_and_empty() -> None:
    clip = Clip(rate=24000)
    assert (clip.state, clip.size, clip.pcm()) == (State.GROWING, 0, b"")


@given(pieces=PIECES, joins=st.lists(st.integers(0, 20), min_size=1, max_size=5))
def test_every_reader_hears_everything_whenever_it_joined(
    pieces: list[bytes], joins: list[int]
) -> None:
    async def scenario() -> None:
        clip = Clip(rate=8000)

        async def read() -> bytes:
            return b"".join([pcm async for pcm in clip])

        async with asyncio.TaskGroup() as group:
            readers = []
            for step in range(max([*joins, len(pieces)]) + 1):
                readers += [group.create_task(read()) for join in joins if join == step]
                await asyncio.sleep(0)
                if step < len(pieces):
                    clip.append(pieces[step])
            clip.complete()
        assert {reader.result() for reader in readers} == {b"".join(pieces)}

    asyncio.run(scenario())


_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.binary(min_size=2, max_size=6).map(lambda pcm: pcm * 2)),
        st.tuples(st.sampled_from(["join", "leave", "rewind", "wait"]), st.integers(0, 3)),
    ),
    max_size=30,
)


@given(steps=_STEPS, whole=st.booleans())
def test_readers_that_come_and_go_in_any_order_hear_what_all_hear(
    steps: list[tuple[str, bytes | int]], whole: bool
) -> None:
    async def scenario() -> None:
        clip = Clip(rate=8000)
        said = b""
        readers: list[tuple[asyncio.Task[None], bytearray]] = []
        gone: list[bytearray] = []

        async def read(heard: bytearray) -> None:
            async for pcm in clip:
                heard += pcm

        for step, value in steps:
            if step == "append":
                assert isinstance(value, bytes)
                clip.append(value)
                said += value
            elif step == "join":
                heard = bytearray()
                readers.append((asyncio.ensure_future(read(heard)), heard))
            elif step == "leave" and readers:
                assert isinstance(value, int)
                task, heard = readers.pop(value % len(readers))
                task.cancel()
                gone.append(heard)
            elif step == "rewind" and not clip.heard:
                clip.rewind()
                said = b""
            elif step == "wait":
                await asyncio.sleep(0)
        if whole:
            clip.complete()
        else:
            clip.fail(ValueError("the line went dead"))
        ends = await asyncio.gather(*(task for task, _ in readers), return_exceptions=True)
        assert all(end is None if whole else isinstance(end, ClipFailed) for end in ends)
        assert all(heard == said for _, heard in readers)
        assert all(said.startswith(heard) for heard in gone)
        assert clip.pcm() == said

    asyncio.run(scenario())


async def test_a_failed_clip_raises_in_every_reader_an_error_of_its_own() -> None:
    clip = Clip(rate=8000)
    clip.append(b"ab")
    heard: list[bytes] = []

    async def read() -> None:
        async for pcm in clip:
            heard.append(pcm)  # noqa: PERF401 - what came before the error counts

    readers = [asyncio.ensure_future(read()) for _ in range(2)]
    await asyncio.sleep(0)
    cause = ValueError("the line went dead")
    clip.fail(cause)
    errors = await asyncio.gather(*readers, return_exceptions=True)
    assert heard == [b"ab", b"ab"]
    assert all(isinstance(error, ClipFailed) and error.__cause__ is cause for error in errors)
    assert errors[0] is not errors[1]


async def test_a_late_reader_of_a_failed_clip_hears_of_it_too() -> None:
    clip = Clip(rate=8000)
    clip.fail(ValueError("no"))
    with pytest.raises(ClipFailed):
        await clip.whole()


async def test_what_nobody_heard_can_be_filled_again() -> None:
    clip = Clip(rate=8000)
    waiting = asyncio.ensure_future(clip.whole())
    clip.append(b"xxxx")
    await asyncio.sleep(0)
    clip.rewind()
    clip.append(b"ok")
    clip.complete()
    assert await waiting == b"ok"


async def test_what_somebody_heard_cannot_be_taken_back() -> None:
    clip = Clip(rate=8000)
    clip.append(b"ab")
    async for _ in clip:
        break
    with pytest.raises(RuntimeError, match="rewind"):
        clip.rewind()


def test_half_samples_are_refused() -> None:
    with pytest.raises(ValueError, match="whole samples"):
        Clip(rate=8000).append(b"abc")


def test_an_ended_clip_stays_as_it_ended() -> None:
    clip = Clip(rate=8000)
    clip.append(b"ab")
    clip.complete()
    with pytest.raises(RuntimeError):
        clip.append(b"cd")
    with pytest.raises(RuntimeError):
        clip.complete()
    with pytest.raises(RuntimeError):
        clip.fail(ValueError())
    assert clip.pcm() == b"ab"


async def test_a_change_between_looking_and_waiting_is_not_missed() -> None:
    clip = Clip(rate=8000)
    changed = clip.changed()
    clip.append(b"ab")
    await asyncio.wait_for(changed.wait(), 1)


def test_its_repr_tells_what_there_is() -> None:
    clip = Clip(rate=8000)
    clip.append(bytes(16000))
    assert repr(clip) == "<Clip growing 1.00 s of 8000 Hz, 0 listening>"
