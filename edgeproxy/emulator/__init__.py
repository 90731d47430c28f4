"""A Sarvam that runs here: to try agents, proxies and clients against, offline, without a key or a bill.

On the command line::

    edgeproxy emulate --latency v3 --faults stall=0.1,missing_final=0.03 --seed 7

In a test, on a free port and without waiting for anything::

    async with Emulator(faults="cut:text=goodbye:count=1") as emulator:
        ...  # point the client at emulator.url; emulator.ws_url is the WebSocket's
        assert emulator.counters.flushes == 1
        assert emulator.counters.spoken("goodbye") == 2
        emulator.change_faults("429:count=3")

What is faithful
    The protocol as it has been seen live: the WebSocket at ``/text-to-speech/ws`` and ``/ws/v2``, REST
    at ``/text-to-speech``, HTTP stream at ``/text-to-speech/stream``; keys by header, bearer or
    subprotocol; models, speakers, languages, rates and codecs with their refusals, word for word (what is
    wrong and what is allowed stands behind Sarvam's own words); buffering, one ``final`` per flush and only
    for those who asked, strict order, text taken in while audio goes out; the 408 of idle sockets; sizes of
    messages. The speech is real, espeak-ng's, in every language and with another voice for each speaker, and
    the same words in the same voice are always the same samples. ``pip install 'edgeproxy[emulator]'``.

What is a knob
    What nobody has seen, or what observers dispute: see :class:`Knobs`.

What is not so
    Any key that is not blank is let in, unless ``keys`` are given; there are no rate limits but
    ``max_sockets``; dictionaries, temperature and preprocessing do not change the sound. A socket
    synthesises one utterance after the other.

How long things take
    ``--latency instant``, ``v3``, ``seed`` or a YAML file: see :mod:`.latency`, with the sources of the
    figures. Drawn from ``--seed`` and the place in the order of connections and utterances: a run can
    be repeated.

What goes wrong
    ``--faults``, :meth:`Emulator.change_faults` or ``POST /emulator/faults``: see :mod:`.faults` for the
    kinds and how they are written, :mod:`.admin` for the calls of a running emulator.

Inside: :mod:`.doors` lets in, :mod:`.session` listens, :mod:`.mouth` speaks, :mod:`.rest` answers over HTTP;
all stand on one :class:`.stage.Stage`.
"""

from .faults import KINDS, Fault, parse_faults
from .knobs import Knobs
from .latency import INSTANT, PROFILES, SEED, V3, Clock, Profile, parse_latency
from .server import Emulator, run
from .stage import Counters

__all__ = [
    "INSTANT",
    "KINDS",
    "PROFILES",
    "SEED",
    "V3",
    "Clock",
    "Counters",
    "Emulator",
    "Fault",
    "Knobs",
    "Profile",
    "parse_faults",
    "parse_latency",
    "run",
]
