"""An old SDK of Sarvam's, as Pipecat brings it, async; see speaking.py."""

import asyncio
from base64 import b64decode
from typing import Any

from sarvamai import AsyncSarvamAI, AudioOutput, ErrorResponse, EventResponse
from sarvamai.core.api_error import ApiError
from sarvamai.environment import SarvamAIEnvironment
from speaking import heard, options, serve


async def main() -> None:
    given = options()
    url = given["url"]
    client = AsyncSarvamAI(
        api_subscription_key=given["key"],
        environment=SarvamAIEnvironment(base=url, production=url.replace("http", "ws", 1)),
    )
    voice = {
        "target_language_code": "hi-IN",
        "speaker": "shubh",
        "speech_sample_rate": given["rate"],
        "output_audio_codec": "linear16",
        **given.get("voice", {}),
    }

    async def answer(socket: Any, *, whole: bool) -> dict[str, Any]:
        audio, errors = b"", []
        while True:
            match await socket.recv():
                case AudioOutput() as message:
                    audio += b64decode(message.data.audio)
                    if not whole:
                        break
                case ErrorResponse() as message:
                    errors.append(message.data.message)
                case EventResponse():
                    break
        return heard(audio, errors)

    async def ask(*texts: str, whole: bool = True, codec: str = "linear16") -> list[dict[str, Any]]:
        """One socket; all turns are sent before the first is listened to."""
        async with client.text_to_speech_streaming.connect(
            model="bulbul:v3", send_completion_event="true"
        ) as socket:
            await socket.configure(**{**voice, "output_audio_codec": codec})
            for text in texts:
                if text:
                    await socket.convert(text)
                await socket.flush()
            return [await answer(socket, whole=whole) for _ in texts]

    async def say(tokens: list[str], codec: str = "linear16") -> dict[str, Any]:
        try:
            return (await ask("".join(tokens), codec=codec))[0]
        except ApiError as error:
            return heard(b"", [str(error.status_code)])

    async def pipeline(turns: list[str]) -> dict[str, Any]:
        return {"answers": await ask(*turns)}

    async def interrupt(tokens: list[str]) -> dict[str, Any]:
        return (await ask("".join(tokens), whole=False))[0]

    async def rest(tokens: list[str]) -> dict[str, Any]:
        try:
            answer = await client.text_to_speech.convert(
                text="".join(tokens), model="bulbul:v3", **voice
            )
        except ApiError as error:
            return heard(b"", [f"{error.status_code} {error.body}"])
        return heard(b64decode(answer.audios[0]), [])

    await serve(say=say, pipeline=pipeline, interrupt=interrupt, rest=rest)


asyncio.run(main())
