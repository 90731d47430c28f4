"""The WebSocket's opening: paths, query parameters, credentials."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

WS_PATHS: Final = ("/text-to-speech/ws", "/text-to-speech/ws/v2")
REST_PATH: Final = "/text-to-speech"
STREAM_PATH: Final = "/text-to-speech/stream"
KEY_HEADER: Final = "api-subscription-key"
SUBPROTOCOL_PREFIX: Final = f"{KEY_HEADER}."

_COMPLETION: Final = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class Query:
    """What the URL of a WebSocket says. ``model`` wins over the config's; unknown parameters are ignored."""

    model: str | None
    completion: bool | None
    """``send_completion_event`` compared case-insensitively; None when absent or neither true nor false."""

    @classmethod
    def parse(cls, query: Mapping[str, str]) -> "Query":
        """Read decoded query parameters."""
        # LiveKit and the Python SDK send "True", all others "true".
        flag = query.get("send_completion_event", "").strip().lower()
        return cls(query.get("model", "").strip() or None, _COMPLETION.get(flag))


@dataclass(frozen=True, slots=True, repr=False)
class Credential:
    """A key as a client carried it. ``subprotocol`` is the one to echo, verbatim, when one was offered."""

    key: str | None
    subprotocol: str | None = None

    @classmethod
    def parse(cls, headers: Mapping[str, str], subprotocols: Iterable[str] = ()) -> "Credential":
        """Header ``api-subscription-key``, else ``Authorization: Bearer``, else the subprotocol.

        ``headers`` must be case-insensitive. Blank keys count as missing.
        """
        # The echo is owed whichever key counts: Node's `ws` sends both and insists on the answer.
        offered = next((p for p in subprotocols if p.startswith(SUBPROTOCOL_PREFIX)), None)
        scheme, _, token = headers.get("Authorization", "").strip().partition(" ")
        candidates = (
            headers.get(KEY_HEADER, ""),
            token if scheme.lower() == "bearer" else "",
            (offered or "").removeprefix(SUBPROTOCOL_PREFIX),
        )
        return cls(next((key for each in candidates if (key := each.strip())), None), offered)

    def __repr__(self) -> str:
        # The subprotocol holds the key too.
        carried = "no key" if self.key is None else "a key"
        return f"<Credential: {carried}{', subprotocol' if self.subprotocol else ''}>"


def origin_url(origin: str, path: str, *, websocket: bool = False) -> str:
    """``https://api.sarvam.ai`` + path, with ``ws``/``wss`` in place of ``http``/``https`` if asked."""
    base = origin.rstrip("/")
    if websocket:
        base = "ws" + base.removeprefix("http")
    return base + path
