"""How a turn goes out: gapless in every codec, nothing of it after its error."""

import asyncio
import json
from base64 import b64decode
from concurrent.futures import ThreadPoolExecutor

import aiohttp
import numpy as np
import pytest
from aiohttp import web

from edgeproxy.app import Proxy
from edgeproxy.ask import Ask
from edgeproxy.audio.decode import decode_whole, decoder
from edgeproxy.core.events import ignore
from edgeproxy.core.key import Teller
from edgeproxy.core.voice import Voice
from edgeproxy.downstream import sender
from edgeproxy.downstream.door import Door
from edgeproxy.downstream.encoding import Output
from edgeproxy.downstream.reply import Reply
from edgeproxy.emulator.server import Emulator
from edgeproxy.sarvam import refusals
from edgeproxy.upstream.pools import Account

from ..conftest import StartProxy, landed, until
from ..fakes.origin import Origin, tone
from ..wire import talk
from .conftest import ONE, THREE, TWO, alone, talk_slowly


@pytest.mark.parametrize("codec", ["linear16", "wav", "mulaw", "alaw"])
async def test_hit_miss_hit_in_one_turn_is_exactly_the_clips(proxy: Proxy, codec: str) -> None:
    pcm = b"".join(await alone(proxy, ONE, TWO, THREE))
    await landed(proxy)
    miss = "यह पहले कभी नहीं सुना।"
    async with talk(proxy.url) as client:
        await client.config(output_audio_codec=codec)
        mixed = await client.say(f"{ONE} {miss} {THREE}")
        again = await client.say(f"{ONE} {miss} {THREE}")
    assert [verdict.split("-")[0] for verdict in mixed.verdicts] == ["hit", "miss", "hit"]
    assert again.audio == mixed.audio
    heard = decoder(codec, rate=8000).feed(mixed.audio)
    one, two, three = await alone(proxy, ONE, miss, THREE)
    wanted = one + two + three
    if codec in ("linear16", "wav"):
        assert heard == wanted
    else:
        assert len(heard) == len(wanted)
        error = np.frombuffer(heard, "<i2").astype(int) - np.frombuffer(wanted, "<i2")
        assert np.abs(error).max() <= 1024  # half a step of G.711 at its loudest
    assert pcm


@pytest.mark.parametrize("codec", ["mp3", "aac", "opus", "flac"])
async def test_hit_miss_hit_in_one_turn_has_no_gap_in_a_stream_codec(
    proxy: Proxy, codec: str
) -> None:
    one, three = await alone(proxy, ONE, THREE)
    await landed(proxy)
    miss = "यह पहले कभी नहीं सुना।"
    async with talk(proxy.url) as client:
        await client.config(output_audio_codec=codec)
        ready = await client.say(ONE)
        again = await client.say(ONE)
        mixed = await client.say(f"{ONE} {miss} {THREE}")
    (two,) = await alone(proxy, miss)
    assert again.audio == ready.audio
    wanted = np.frombuffer(one + two + three, "<i2").astype(float)
    if codec in ("opus", "flac"):
        pcm, _ = await asyncio.to_thread(decode_whole, mixed.audio, rate=8000)
    else:
        made = decoder(codec, rate=8000)
        pcm = made.feed(mixed.audio) + made.finish()
    heard = np.frombuffer(pcm, "<i2").astype(float)
    if codec == "flac":
        assert (heard[: len(wanted)] == wanted).all()
        return
    assert abs(len(heard) - len(wanted)) <= 5 * 1152
    size = min(len(heard), len(wanted))
    assert np.corrcoef(heard[:size], wanted[:size])[0, 1] > 0.9


async def test_a_wav_turn_has_its_header_every_turn_in_a_message_of_its_own(
    proxy: Proxy,
) -> None:
    async with talk(proxy.url) as client:
        await client.config(output_audio_codec="wav")
        for text in (ONE, ONE, f"{ONE} {TWO}"):
            pieces = (await client.say(text)).pieces
            assert len(pieces[0]) == 44
            assert pieces[0][:4] == b"RIFF"
            assert not any(piece.startswith(b"RIFF") for piece in pieces[1:])


async def test_a_wav_turn_has_one_header_however_slowly_it_is_read(
    start_proxy: StartProxy, origin: Origin
) -> None:
    async with (
        start_proxy(origin={"url": origin.url}) as proxy,
        talk_slowly(proxy.url) as client,
    ):
        await client.config(output_audio_codec="wav")
        first = await client.say("audio 500")
        await landed(proxy)
        # More than the sockets between us take in, so that some of these hits find bytes unsent.
        turns = 450
        for _ in range(turns):
            await client.text("audio 500")
            await client.flush()
        answers = [await client.answer() for _ in range(turns)]
    assert first.audio[44:] == tone(500, 8000)
    assert [answer for answer in answers if answer.audio != first.audio] == []


async def test_a_held_segment_is_let_go_long_before_the_caller_has_heard_what_it_has(
    start_proxy: StartProxy, origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender, "_HOLD_S", 0.05)
    async with (
        start_proxy(origin={"url": origin.url, "stall_timeout_s": 9}) as proxy,
        talk(proxy.url) as client,
    ):
        await client.text("audio 12000। audio 300 then wait then audio 300।")
        await client.flush()
        heard = 0
        while heard <= len(tone(12000, 8000)):
            message = await client.hear()
            assert message["type"] == "audio"
            heard += len(b64decode(message["data"]["audio"]))
        assert origin.waiting == 1, "the origin has not said all of it"
        origin.permit.set()
        rest = await client.answer()
    assert not rest.errors
    assert heard + len(rest.audio) == len(tone(12600, 8000))


@pytest.mark.parametrize("codec", ["linear16", "mp3", "wav"])
@pytest.mark.parametrize(
    "script", ["audio then wait then audio", "wait then audio", "audio। wait then audio"]
)
async def test_after_a_turns_error_there_is_nothing_of_it_but_its_final(
    start_proxy: StartProxy, origin: Origin, codec: str, script: str
) -> None:
    async with (
        start_proxy(origin={"url": origin.url}) as proxy,
        talk(proxy.url) as client,
    ):
        await client.config(output_audio_codec=codec)
        await client.text(f"{script}।")
        await until(lambda: origin.waiting == 1)
        await client.text("x" * 2501)
        while (await client.hear())["type"] != "error":
            pass
        origin.permit.set()
        await client.flush()
        assert [message["type"] for message in (await client.answer()).messages] == ["event"]
        assert (await client.say("audio")).audio, "the next turn is another one"


@pytest.mark.parametrize(
    "script", ["audio then wait then audio", "wait then audio", "audio 12000। wait then audio"]
)
async def test_a_refused_turns_final_does_not_wait_for_what_the_origin_still_says(
    start_proxy: StartProxy, origin: Origin, script: str
) -> None:
    async with (
        start_proxy(origin={"url": origin.url, "stall_timeout_s": 9}) as proxy,
        talk(proxy.url) as client,
    ):
        await client.text(f"{script}।")
        await until(lambda: origin.waiting == 1)
        await client.text("x" * 2501)
        while (await client.hear())["type"] != "error":
            pass
        await client.flush()
        assert [message["type"] for message in (await client.answer()).messages] == ["event"]
        assert len(proxy.flights), "the segment is still growing"
        origin.permit.set()


class SlowReader(web.WebSocketResponse):
    """A client that takes in one audio message, and the next when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.reads = asyncio.Event()
        self.sent: list[str] = []

    async def send_frame(
        self, message: bytes, opcode: aiohttp.WSMsgType, compress: int | None = None
    ) -> None:
        self.sent.append(json.loads(message)["type"])
        if self.sent[-1] == "audio":
            await self.reads.wait()


async def test_a_turn_that_is_refused_while_its_wav_header_is_unread_stops_there(
    proxy: Proxy,
) -> None:
    socket = SlowReader()
    with ThreadPoolExecutor(1) as executor:
        made = Door(
            socket,
            asyncio.Transport(),
            proxy.speech,
            parallel_segments=1,
            trim_leading_silence_ms=0,
            deadline_s=60,
            executor=executor,
            emit=ignore,
            on_empty=lambda: None,
        )
        fields = {"model": "bulbul:v3", "language": "hi-IN", "speaker": "shubh", "rate": 8000}
        identity = Teller("shared", Voice(fields)).identity(ONE)
        reply = Reply("shared", final=True, request_id="r")
        made.say(reply, Ask(identity, Account("own", "origin-key")), Output("wav", 8000))
        await landed(proxy)
        made.nudge()
        writer = asyncio.create_task(made.run())
        await until(lambda: socket.sent == ["audio"])
        await made.refuse(reply, refusals.internal())
        made.end(reply)
        socket.reads.set()
        await until(lambda: not made.waiting)
        writer.cancel()
    assert socket.sent == ["audio", "error", "event"]


async def test_a_turn_that_is_refused_while_its_hits_are_on_their_way_stops_there(
    start_proxy: StartProxy, origin: Origin
) -> None:
    async with (
        start_proxy(origin={"url": origin.url}) as proxy,
        talk_slowly(proxy.url) as client,
        talk(proxy.url) as other,
    ):
        segment = "audio 15000।"
        whole = (await other.say(segment)).audio
        await landed(proxy)
        await client.config()
        await client.text(f"{segment} " * 60)  # 19 MB, far more than the sockets between us take in
        heard = len(b64decode((await client.hear())["data"]["audio"]))
        await other.say("audio 100")  # by then the writer of the first has got stuck
        await client.text("x" * 2501)
        while (message := await client.hear())["type"] != "error":
            heard += len(b64decode(message["data"]["audio"]))
        await client.flush()
        assert [message["type"] for message in (await client.answer()).messages] == ["event"]
    assert heard < 60 * len(whole), "the rest was still to be sent"


async def test_a_client_that_changes_its_codec_in_mid_turn_gets_each_part_in_its_own(
    proxy: Proxy,
) -> None:
    one, two = await alone(proxy, ONE, TWO)
    async with talk(proxy.url) as client:
        await client.text(ONE)
        await client.config(output_audio_codec="mulaw")
        mixed = await client.say(TWO)
    assert mixed.audio[: len(one)] == one
    assert len(mixed.audio) == len(one) + len(two) // 2


@pytest.mark.parametrize("text", [ONE, "…"])
async def test_a_turn_of_silence_is_never_left_out_whole(
    start_proxy: StartProxy, emulator: Emulator, text: str
) -> None:
    emulator.change_faults("silence")
    async with (
        start_proxy(turn={"trim_leading_silence_ms": 2000}) as proxy,
        talk(proxy.url) as client,
    ):
        for _ in range(2):
            answer = await client.say(text)
            assert not answer.errors
            assert answer.audio


async def test_silence_in_front_is_left_out_on_the_way_and_stays_in_the_record(
    start_proxy: StartProxy,
) -> None:
    async with start_proxy() as proxy:
        (whole,) = await alone(proxy, ONE)
        await landed(proxy)
    async with start_proxy(turn={"trim_leading_silence_ms": 1000}) as proxy:
        trimmed, again = await alone(proxy, ONE, ONE)
    async with start_proxy() as proxy:
        assert await alone(proxy, ONE) == [whole]
    assert whole.endswith(trimmed)
    assert len(trimmed) < len(whole)
    assert again == trimmed
