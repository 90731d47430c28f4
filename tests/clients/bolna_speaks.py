"""Bolna's Sarvam synthesizer by itself, as its agents drive it; see speaking.py.

Bolna's package imports all of its providers, and storage in the cloud beside them. Only what Sarvam's
synthesizer runs is installed; the doors to the rest are closed here.
"""

import asyncio
import sys
from importlib.util import find_spec
from itertools import count
from types import ModuleType
from typing import Any
from unittest.mock import MagicMock

from speaking import heard, options, serve

for absent in ("aiobotocore", "aiobotocore.session", "botocore", "botocore.exceptions"):
    sys.modules[absent] = MagicMock()
spec = find_spec("bolna")
assert spec is not None
assert spec.submodule_search_locations is not None
room = ModuleType("bolna.synthesizer")
room.__path__ = [f"{place}/synthesizer" for place in spec.submodule_search_locations]
sys.modules["bolna.synthesizer"] = room

from bolna.synthesizer.sarvam_synthesizer import SarvamSynthesizer  # noqa: E402


class Tasks:
    """The part of Bolna's task manager that a synthesizer asks: which turns are still wanted."""

    conversation_start_init_ts = 0.0

    def __init__(self) -> None:
        self.wanted: set[int] = set()

    def is_sequence_id_in_current_ids(self, sequence_id: int) -> bool:
        return sequence_id in self.wanted


async def main() -> None:
    given = options()
    tasks, numbers = Tasks(), count(1)
    synthesizer = SarvamSynthesizer(
        voice_id=given.get("voice", {}).get("speaker", "shubh"),
        model="bulbul:v3",
        language="hi-IN",
        sampling_rate=str(given["rate"]),
        stream=True,
        buffer_size=50,
        synthesizer_key=given["key"],
        task_manager_instance=tasks,
    )
    query = synthesizer.ws_url.partition("?")[2]
    synthesizer.ws_url = f"{given['url'].replace('http', 'ws', 1)}/text-to-speech/ws?{query}"
    synthesizer.api_url = f"{given['url']}/text-to-speech"
    packets: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def listen() -> None:
        try:
            async for packet in synthesizer.generate():
                packets.put_nowait(packet)
        except Exception as error:  # how it says that speech is over for this call
            packets.put_nowait({"data": b"\x00", "error": str(error)})

    async def push(tokens: list[str]) -> int:
        turn = next(numbers)
        tasks.wanted.add(turn)
        for at, token in enumerate(tokens):
            last = at + 1 == len(tokens)
            meta = {"sequence_id": turn, "turn_id": turn, "end_of_llm_stream": last}
            await synthesizer.push({"data": token, "meta_info": meta})
            await synthesizer.sender_task
        return turn

    async def answer() -> dict[str, Any]:
        audio = b""
        while True:
            packet = await asyncio.wait_for(packets.get(), 15)
            if packet["data"] == b"\x00":
                return heard(audio, [packet["error"]] if "error" in packet else [])
            audio += packet["data"]

    async def say(tokens: list[str]) -> dict[str, Any]:
        await push(tokens)
        return await answer()

    async def pipeline(turns: list[str]) -> dict[str, Any]:
        for turn in turns:
            await push([turn])
        return {"answers": [await answer() for _ in turns]}

    async def interrupt(tokens: list[str]) -> dict[str, Any]:
        """The socket is kept; what still comes of the turn is heard and not played."""
        turn = await push(tokens)
        first = await asyncio.wait_for(packets.get(), 15)
        tasks.wanted.discard(turn)
        await synthesizer.handle_interruption()
        rest = await answer()
        return {**heard(first["data"], rest["errors"]), "drained": rest["audio"]}

    async def rest(tokens: list[str]) -> dict[str, Any]:
        audio = await synthesizer.synthesize("".join(tokens))
        return {"audio": audio or "", "errors": [] if audio else ["nothing"]}

    listening = asyncio.create_task(listen())
    monitoring = asyncio.create_task(synthesizer.monitor_connection())
    await serve(say=say, pipeline=pipeline, interrupt=interrupt, rest=rest)
    await synthesizer.cleanup()
    for task in (listening, monitoring):
        task.cancel()


asyncio.run(main())
