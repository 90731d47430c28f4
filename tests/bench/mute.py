"""``python -m tests.bench.mute serve …``: edgeproxy whose facts nobody hears, to see what that saves."""

from edgeproxy.app.operator import Listeners
from edgeproxy.cli import main
from edgeproxy.core.events import Emit, ignore


def _nobody(_: Listeners, emit: Emit) -> Emit:
    return ignore


Listeners.with_ = _nobody  # type: ignore[assignment, method-assign]
main()
