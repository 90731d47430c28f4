"""``edgeproxy say``: ask a running proxy for one turn, and see where its time went."""

import asyncio
import json
import os
import wave
from base64 import b64decode
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any

import aiohttp
import click
from rich.console import Console
from rich.table import Table

from ..sarvam.handshake import WS_PATHS, origin_url
from ..sarvam.models import DEFAULT_MODEL, DEFAULT_RATE
from .common import fail, run


@dataclass(slots=True)
class Heard:
    """One turn, as a client hears it; moments in seconds since the text was sent."""

    pcm: bytearray = field(default_factory=bytearray)
    first_audio_s: float | None = None
    final_s: float | None = None
    told: dict[str, Any] = field(default_factory=dict)
    """What the proxy says of the turn; empty for an origin."""


class SpeakError(Exception):
    """No audio, and why, in one line."""


@click.command()
@click.argument("text")
@click.option("--url", default="http://127.0.0.1:8080", show_default=True, help="The proxy.")
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write a WAV file."
)
@click.option("--language", default="hi-IN", show_default=True, help="Language code.")
@click.option("--speaker", default="shubh", show_default=True)
@click.option("--model", default=DEFAULT_MODEL, show_default=True)
@click.option("--pace", type=float, default=1.0, show_default=True)
@click.option(
    "--rate", type=int, default=DEFAULT_RATE, show_default=True, help="Sample rate in Hz."
)
@click.option(
    "--cache",
    type=click.Choice(["on", "off", "only", "refresh"]),
    default="on",
    show_default=True,
    help="off: past the cache; only: from nowhere else; refresh: spoken and kept anew.",
)
@click.option(
    "--key", envvar="SARVAM_API_KEY", default="any", help="Credential.  [env: SARVAM_API_KEY]"
)
def say(
    text: str,
    url: str,
    output: Path | None,
    language: str,
    speaker: str,
    model: str,
    pace: float,
    rate: int,
    cache: str,
    key: str,
) -> None:
    """Speak TEXT through a running proxy; print hit or miss and where the time went."""
    config = {
        "target_language_code": language,
        "speaker": speaker,
        "pace": pace,
        "speech_sample_rate": rate,
        "output_audio_codec": "linear16",
    }
    try:
        heard = run(speak(text, url=url, key=key, model=model, config=config, cache=cache))
    except SpeakError as error:
        fail(str(error))
    if output is not None:
        with wave.open(os.fspath(output), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(rate)
            file.writeframes(heard.pcm)
    show(heard, rate=rate, output=output)


async def speak(
    text: str,
    *,
    url: str,
    key: str,
    model: str,
    config: dict[str, Any],
    cache: str = "on",
    timeout_s: float = 15.0,
) -> Heard:
    """One turn over a new socket. Raises SpeakError."""
    target = origin_url(url.rstrip("/"), WS_PATHS[0], websocket=True)
    query = {"model": model, "send_completion_event": "true", "verdict": "true"}
    if cache != "on":  # an origin is spared a word it does not know
        query["cache"] = cache
    heard = Heard()
    try:
        async with (
            asyncio.timeout(timeout_s),
            aiohttp.ClientSession() as session,
            session.ws_connect(
                target, params=query, headers={"api-subscription-key": key}
            ) as socket,
        ):
            await socket.send_json({"type": "config", "data": config})
            began = perf_counter()
            await socket.send_json({"type": "text", "data": {"text": text}})
            await socket.send_json({"type": "flush"})
            async for message in socket:
                said = json.loads(message.data)
                now = perf_counter() - began
                match said["type"]:
                    case "audio":
                        heard.first_audio_s = heard.first_audio_s or now
                        heard.pcm += b64decode(said["data"]["audio"])
                    case "event":
                        heard.final_s = now
                        heard.told = said["data"].get("edgeproxy", {})
                        return heard
                    case "error":
                        raise SpeakError(f"refused: {said['data']['message']}")
            raise SpeakError(
                f"the connection was closed ({socket.close_code}) before the turn was over"
            )
    except aiohttp.WSServerHandshakeError as error:
        remedy = "; give the right one with --key" if error.status == 403 else ""
        raise SpeakError(f"{url} answered {error.status} to the handshake{remedy}") from error
    except aiohttp.ClientError as error:
        raise SpeakError(f"nothing answers at {url}; start it with `edgeproxy serve`") from error
    except TimeoutError as error:
        raise SpeakError(f"no answer within {timeout_s:g} s") from error


def show(heard: Heard, *, rate: int, output: Path | None) -> None:
    """Print the verdict and the breakdown."""
    console = Console(highlight=False)
    segments = heard.told.get("segments", [])
    verdicts = [segment["verdict"] for segment in segments]
    match len(set(verdicts)):
        case 0:
            verdict = "no verdict"
        case 1:
            verdict = verdicts[0]
        case _:
            hits = sum(verdict.startswith("hit") for verdict in verdicts)
            verdict = f"{hits} of {len(verdicts)} segments were hits"
    seconds = len(heard.pcm) / 2 / rate
    first = "no audio"
    if heard.first_audio_s is not None:
        first = f"first audio after {heard.first_audio_s * 1000:.1f} ms"
    where = f", written to {output}" if output is not None else ""
    console.print(
        f"[bold]{verdict}[/bold]: {first}, {seconds:.2f} s of sound{where}", soft_wrap=True
    )
    if not segments:
        return
    table = Table(box=None, pad_edge=False, header_style="dim")
    names = {
        "decided_ms": "decided",
        "leased_ms": "leased",
        "sent_ms": "sent",
        "first_byte_ms": "origin's first byte",
        "first_pcm_ms": "first PCM",
        "first_write_ms": "first write",
        "last_write_ms": "last write",
    }
    table.add_column("segment")
    table.add_column("characters", justify="right")
    for name in names.values():
        table.add_column(name, justify="right")
    for segment in segments:
        times = (segment[name] for name in names)
        table.add_row(
            segment["verdict"],
            str(segment["characters"]),
            *("" if time is None else f"{time:.1f}" for time in times),
        )
    console.print(table)
    console.print("[dim]milliseconds since the proxy received the text[/dim]")
