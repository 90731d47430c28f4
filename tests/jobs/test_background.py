"""Tasks that go on all the time: begun, told when they fail, and ended."""

import asyncio
import logging

import pytest

from edgeproxy.jobs.background import Background

from ..conftest import until


async def test_work_goes_on_until_stopped() -> None:
    background = Background()
    ended = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    background.start("work", work)
    await asyncio.sleep(0)
    assert not ended.is_set()
    await background.stop()
    assert ended.is_set()


async def test_one_that_fails_is_told_and_the_others_go_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    background = Background()
    steps = 0

    async def doomed() -> None:
        raise ValueError("no luck")

    async def work() -> None:
        nonlocal steps
        while True:
            steps += 1
            await asyncio.sleep(0)

    with caplog.at_level(logging.ERROR):
        background.start("doomed", doomed)
        background.start("work", work)
        await until(lambda: steps > 10)
    assert "doomed has ended" in caplog.text
    await background.stop()
