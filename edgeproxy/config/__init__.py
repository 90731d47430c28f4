"""Settings: every knob there is, by room, with unit, default and bounds.

From a YAML file (``--config``), from the environment (``EDGEPROXY_<ROOM>__<NAME>``, which wins) and,
for a few, from the command line (which wins over both). Read once, at start; only :mod:`edgeproxy.app`
and :mod:`edgeproxy.cli` see them, rooms get plain arguments. A mistake is one line: the setting (and
the variable it came from), its value unless that may hold a secret, what is allowed.
"""

from .kinds import ConfigError
from .settings import Settings, is_loopback

__all__ = ["ConfigError", "Settings", "is_loopback"]
