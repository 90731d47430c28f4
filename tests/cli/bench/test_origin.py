import socket

import aiohttp
import pytest

from edgeproxy.cli.bench.origin import emulator


async def test_an_emulator_answers_at_the_url_that_is_given() -> None:
    async with (
        emulator("instant") as url,
        aiohttp.ClientSession() as http,
        http.get(f"{url}/emulator/state") as answer,
    ):
        assert (await answer.json())["counters"]["utterances"] == 0


async def test_a_port_that_is_taken_is_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match=str(port)):
            async with emulator("instant", port=port):
                pass


async def test_an_emulator_that_does_not_start_says_why() -> None:
    with pytest.raises(OSError, match="no-such-profile"):
        async with emulator("no-such-profile"):
            pass
