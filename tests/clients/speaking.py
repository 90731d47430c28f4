"""The half of a client's script that its test talks to: one line of JSON in, one line of JSON out.

A client that cannot live in the tests' own environment is run by a script of its own, ``*_speaks.py`` here
and ``*.mjs`` in ``js/``. It is started with a JSON object of options; each line that comes in names a verb
(``say``, ``interrupt``, …) with its arguments, and is answered by what the client's user got to hear:
``audio`` in base64, as the client handed it out, and ``errors``. When its input ends, it closes the client
as its user would and goes.
"""

import asyncio
import json
import sys
from base64 import b64encode
from collections.abc import Awaitable, Callable
from typing import Any

Verb = Callable[..., Awaitable[dict[str, Any]]]


def options() -> dict[str, Any]:
    """What the test wants of the client."""
    given: dict[str, Any] = json.loads(sys.argv[1])
    return given


def heard(audio: bytes, errors: list[str]) -> dict[str, Any]:
    """An answer."""
    return {"audio": b64encode(audio).decode(), "errors": list(errors)}


async def serve(**verbs: Verb) -> None:
    """Do what the test says, for as long as it says anything."""
    while line := await asyncio.to_thread(sys.stdin.readline):
        asked = json.loads(line)
        answer = await verbs[asked.pop("verb")](**asked)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
