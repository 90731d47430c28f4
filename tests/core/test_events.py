"""Every fact is a frozen value with a docstring, and holds nothing that must not be logged."""

import dataclasses
import inspect

import pytest

from edgeproxy.core import events
from edgeproxy.core.events import Event, ignore

EVENTS = [
    each
    for _, each in inspect.getmembers(events, inspect.isclass)
    if issubclass(each, Event) and each is not Event
]


@pytest.mark.parametrize("event", EVENTS)
def test_every_event_is_frozen_documented_and_silent(event: type[Event]) -> None:
    assert event.__doc__
    assert event.__dataclass_params__.frozen  # type: ignore[attr-defined]
    names = {field.name for field in dataclasses.fields(event)}
    assert not names & {"text", "credential", "api_key", "token"}


def test_there_is_a_listener_for_those_who_have_none() -> None:
    ignore(Event())
