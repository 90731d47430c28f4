"""What the hits are held against: a WebSocket server of aiohttp that does nothing but send from memory.

Run as ``python -m tests.bench.bare FILE``: the messages of one turn, a line each, the last its final. A
text is answered with all but the last, a flush with the last; a config with nothing.
"""

import asyncio
import sys
from pathlib import Path

from aiohttp import WSMsgType, web

from edgeproxy.cli.common import run, until_told


async def serve(messages: list[bytes], stop: asyncio.Event) -> None:
    """Listen on a free port until told to stop."""
    *audio, final = messages

    async def answer(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(compress=False)
        await socket.prepare(request)
        async for heard in socket:
            if heard.data.startswith('{"type":"text"'):
                for message in audio:
                    await socket.send_frame(message, WSMsgType.TEXT)
            elif heard.data.startswith('{"type":"flush"'):
                await socket.send_frame(final, WSMsgType.TEXT)
        return socket

    app = web.Application()
    app.router.add_get("/text-to-speech/ws", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    sys.stderr.write(f"listening on http://{host}:{port}\n")
    sys.stderr.flush()
    await stop.wait()
    await runner.cleanup()


if __name__ == "__main__":
    lines = Path(sys.argv[1]).read_bytes().split(b"\n")
    run(until_told(lambda stop: serve(lines, stop)))
