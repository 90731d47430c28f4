"""``python -m tests.bench.mute serve …``: edgeproxy whose facts nobody hears, to see what that saves."""

from edgeproxy.cli import main
from edgeproxy.core.events import ignore
from edgeproxy.observe.later import Later

Later.tell = staticmethod(ignore)  # type: ignore[assignment, method-assign]
main()
