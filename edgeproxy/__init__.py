"""edgeproxy: an event-driven edge caching proxy for Sarvam text-to-speech.

Two rivers, one lake
====================

::

          client half                                          origin half
   WS/HTTP ─► parse ─► turn ─► segments ─► speech.clip(seg) ─►┐  ┌◄─ append ◄─ decode ◄─ speak ◄─ lease
                                                              ▼  ▼
                                                            [ Clip ] ──complete──► record ─► store
   WS/HTTP ◄─ encode to the client's codec ◄─ messages ◄──────┘
                                                   facts ─► observe

Neither river calls the other; they meet at the :class:`~edgeproxy.cache.clip.Clip`, which grows while
the origin speaks and is read by any number of clients, each holding only a position. PCM inside, codecs
at the doors. :mod:`edgeproxy.speech` is the path from a segment to its clip: read it first.

Floors
======

Imports only go down, and rooms on one floor do not see each other (a contract in ``pyproject.toml``,
checked by the gate)::

    6  cli         a verb = a function
       app         the composition root: builds every object, starts and stops in order
       config      settings; only cli and app see it, rooms get plain arguments
    4  downstream  the doors: Sarvam's WebSocket, REST and HTTP stream, OpenAI's speech, phrases by URL,
                   and all else of Sarvam's, passed on
       jobs        what happens by the clock
       operate     what the operator sees and changes: console, metrics page, admin API, explain, archives
    3  phrases     phrase books
    2  speech      THE PATH
       origin      having the origin speak
       ask         what is asked for: a segment, and who pays
       emulator    a Sarvam that runs here
    1  cache       clips, flights, records, the store, the hot tier
       upstream    origin sessions and their warm pool
       audio       codecs and quality rules
       observe     metrics and the access log: read facts, call nobody
       openai      OpenAI's wire in Sarvam's terms, sans-I/O
    0  core        pure values and rules: text, turn, voice, identity, facts, errors
       sarvam      the wire, sans-I/O, for all three speakers of it

Each third-party library has one door: diskcache in ``cache.disk``, websockets in
``upstream.session``, PyAV and numpy in ``audio``, APScheduler in ``jobs.schedule``, xxhash in
``core.key``, prometheus-client in ``observe.metrics``, click in ``cli``.

Words
=====

*turn*: the text up to one flush, answered by one final. *segment*: the piece of a turn that is
synthesised, cached and coalesced. *voice*: everything audible besides the text. *identity*: namespace,
epoch, voice and normalised text, whole; *key*: its name on disk. *flight*: an identity being filled.
*session*: one origin WebSocket; *lease*: to hold one; *rest*, *end*: what happens to it after.
*client*: who was let in; *tenant*: in whose name; *account*: whose key the origin sees; *purse*: what a
tenant may still ask of it.
"""

__version__ = "0.1.0"
