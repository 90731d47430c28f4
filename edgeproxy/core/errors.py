"""What can go wrong, by blame. Library exceptions stop at their library's door and become these.

::

    EdgeProxyError
    ├── OriginError          the origin failed us
    │   ├── OriginUnreachable    no connection (refused, black hole, TLS, DNS)
    │   │   └── OriginDown           not even asked, since it fails most of what it is asked
    │   ├── OriginClosed         it went away in the middle
    │   │   └── OriginLetGo          of a session, not of an utterance: idle for too long, or one too many
    │   ├── OriginSilent         connected, but nothing to hear in time
    │   ├── OriginBabble         it said something that is not the protocol, or not audio
    │   └── OriginRefused        it said no, and would again (see upstream.session)
    ├── Overloaded           ours: no room for now, nor in the queue
    │   ├── LeaseTimeout         a place in the queue, but no session in time
    │   └── Draining
    ├── NotKept              asked for from the cache alone, and it is not there
    └── RecordError          never leaves cache/: an unreadable record is a miss and a fact
"""


class EdgeProxyError(Exception):
    """Base of all errors of this project.

    ``status`` is the HTTP status a door answers with; WebSocket doors use it as the error's code.
    ``retry_after_s``: when it may be worth asking again, where that is known.
    """

    status = 500
    retry_after_s: float | None = None


class OriginError(EdgeProxyError):
    """The origin failed us; the same request may succeed on another connection."""

    status = 502


class OriginUnreachable(OriginError):
    """No connection to the origin could be had."""

    status = 503

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class OriginDown(OriginUnreachable):
    """The origin is not asked: it fails most of what it is asked (see upstream.breaker)."""


class OriginClosed(OriginError):
    """The origin's connection ended before the utterance did."""


class OriginLetGo(OriginClosed):
    """The origin let a session go, for no utterance's sake: it was idle, or the account holds too many."""


class OriginSilent(OriginError):
    """The origin kept the connection but sent nothing in time."""

    status = 504


class OriginBabble(OriginError):
    """The origin sent something that is neither its protocol nor the codec asked for."""


class Overloaded(EdgeProxyError):
    """There is no room for this request now. ``retry_after_s``: when there may be."""

    status = 503

    def __init__(self, message: str, *, retry_after_s: float = 1.0) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class LeaseTimeout(Overloaded):
    """No origin session became free in time."""


class Draining(Overloaded):
    """The proxy is shutting down and takes nothing new in."""


class NotKept(EdgeProxyError):
    """The caller wants it from the cache and from nowhere else, and it is not there."""

    status = 504  # RFC 9111, 5.2.1.7


class RecordError(EdgeProxyError):
    """A record on disk is not what it should be."""
