"""Identities to keep records under."""

from collections.abc import Callable

import pytest

from edgeproxy.core.key import Identity, Teller
from edgeproxy.core.voice import Voice

VOICE = Voice({"model": "bulbul:v3", "language": "hi-IN", "speaker": "shubh", "rate": 8000})


@pytest.fixture
def identify() -> Callable[[str], Identity]:
    """The identity of a text in some voice."""
    return Teller("ns", VOICE).identity
