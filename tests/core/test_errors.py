"""Each error carries the status a door answers with."""

import pytest

from edgeproxy.core import errors
from edgeproxy.core.errors import EdgeProxyError, Overdrawn, Overloaded


def family(of: type[EdgeProxyError]) -> list[type[EdgeProxyError]]:
    return [of, *(each for sub in of.__subclasses__() for each in family(sub))]


@pytest.mark.parametrize("error", family(EdgeProxyError))
def test_every_error_is_in_the_modules_tree_and_has_a_status_of_a_server(
    error: type[EdgeProxyError],
) -> None:
    if error.__module__ == errors.__name__:
        assert errors.__doc__ is not None
        assert error.__name__ in errors.__doc__
    assert 500 <= error.status <= 504 or error is Overdrawn


def test_overload_says_when_to_come_back() -> None:
    assert Overloaded("full", retry_after_s=2.5).retry_after_s == 2.5
