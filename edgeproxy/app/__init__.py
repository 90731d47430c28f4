"""The composition root: builds every object, starts and stops in order. The only room that knows everyone.

``values``    from settings to the values that rooms take; what is wrong with them is one line.
``rooms``     the rooms below the doors: all that makes and keeps speech, for nobody in particular.
``front``     the doors: who lets clients in, what they may ask for, where they come in.
``operator``  the operator's side: who hears of facts, and where it is served.
``upkeep``    what is done by the clock and all the time.
``proxy``     a proxy, from its first breath to its drain.
"""

from .front import make_explainer
from .proxy import Proxy, running, serve
from .rooms import Workshop, workshop
from .values import check, cuts, load_library

__all__ = [
    "Proxy",
    "Workshop",
    "check",
    "cuts",
    "load_library",
    "make_explainer",
    "running",
    "serve",
    "workshop",
]
