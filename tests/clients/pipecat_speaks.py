"""Pipecat's services for Sarvam and OpenAI in a pipeline of their own; see speaking.py."""

import asyncio
from typing import Any

import aiohttp
from loguru import logger
from pipecat.frames.frames import (
    BotStartedSpeakingFrame,
    BotStoppedSpeakingFrame,
    EndFrame,
    Frame,
    InterruptionFrame,
    LLMFullResponseEndFrame,
    LLMFullResponseStartFrame,
    LLMTextFrame,
    TTSAudioRawFrame,
    TTSStoppedFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineWorker
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.services.openai.tts import OpenAITTSService
from pipecat.services.sarvam.tts import SarvamHttpTTSService, SarvamTTSService
from pipecat.workers.runner import WorkerRunner
from speaking import heard, options, serve

logger.remove()


class Ear(FrameProcessor):
    """The end of the pipeline: what a transport would play, and what it tells those before it."""

    def __init__(self) -> None:
        super().__init__()
        self.audio = b""
        self.sounds, self.silent, self.ended, self.interrupted = (asyncio.Event() for _ in range(4))

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        match frame:
            case TTSAudioRawFrame():
                if not self.sounds.is_set():
                    self.sounds.set()
                    await self.push_frame(BotStartedSpeakingFrame(), FrameDirection.UPSTREAM)
                self.audio += frame.audio
            case TTSStoppedFrame():
                await self.push_frame(BotStoppedSpeakingFrame(), FrameDirection.UPSTREAM)
                self.silent.set()
            case LLMFullResponseEndFrame():
                self.ended.set()
            case InterruptionFrame():
                self.interrupted.set()
            case _:
                pass
        await self.push_frame(frame, direction)

    def forget(self) -> bytes:
        """Begin anew; what was heard up to now."""
        audio, self.audio = self.audio, b""
        for event in (self.sounds, self.silent, self.ended, self.interrupted):
            event.clear()
        return audio


async def main() -> None:
    given = options()
    voice: dict[str, Any] = {"language": "hi-IN", "voice": "shubh", **given.get("voice", {})}
    ear, errors = Ear(), []
    async with aiohttp.ClientSession() as session:
        if given.get("http"):
            tts = SarvamHttpTTSService(
                api_key=given["key"],
                base_url=given["url"],
                aiohttp_session=session,
                sample_rate=given["rate"],
                settings=SarvamHttpTTSService.Settings(**voice),
            )
        elif given.get("openai"):
            tts = OpenAITTSService(
                api_key=given["key"],
                base_url=f"{given['url']}/v1",
                sample_rate=given["rate"],
                settings=OpenAITTSService.Settings(**given.get("voice", {})),
            )
        else:
            tts = SarvamTTSService(
                api_key=given["key"],
                url=f"{given['url'].replace('http', 'ws', 1)}/text-to-speech/ws",
                sample_rate=given["rate"],
                settings=SarvamTTSService.Settings(**voice),
            )
        failed = asyncio.Event()

        @tts.event_handler("on_error")
        async def on_error(_: object, error: Any) -> None:
            errors.append(error.error)
            failed.set()

        worker = PipelineWorker(Pipeline([tts, ear]), cancel_on_idle_timeout=False)
        started = asyncio.Event()

        @worker.event_handler("on_pipeline_started")
        async def on_started(*_: object) -> None:
            started.set()

        async def first(*events: asyncio.Event) -> None:
            waiting = [asyncio.create_task(event.wait()) for event in events]
            await asyncio.wait(waiting, timeout=15, return_when=asyncio.FIRST_COMPLETED)
            for task in waiting:
                task.cancel()

        async def begin(tokens: list[str]) -> None:
            await worker.queue_frames(
                [
                    LLMFullResponseStartFrame(),
                    *map(LLMTextFrame, tokens),
                    LLMFullResponseEndFrame(),
                ]
            )

        def answer() -> dict[str, Any]:
            answer = heard(ear.forget(), errors)
            failed.clear()
            errors.clear()
            return answer

        async def say(tokens: list[str]) -> dict[str, Any]:
            await begin(tokens)
            # Of an answer without words nobody tells that it was spoken.
            await first(ear.silent if "".join(tokens).strip() else ear.ended, failed)
            return answer()

        async def interrupt(tokens: list[str]) -> dict[str, Any]:
            await begin(tokens)
            await first(ear.sounds, failed)
            await worker.queue_frame(InterruptionFrame())
            await first(ear.interrupted)
            return answer()

        runner = WorkerRunner(handle_sigint=False)
        await runner.add_workers(worker)
        running = asyncio.create_task(runner.run())
        await started.wait()
        await serve(say=say, interrupt=interrupt)
        await worker.queue_frame(EndFrame())
        await running


asyncio.run(main())
