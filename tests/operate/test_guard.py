"""Who may look and who may change something: on loopback, beyond it, and from another site's page."""

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from edgeproxy.operate.guard import Guard, NotDone

HERE = Guard(token="right", loopback=True)
BEYOND = Guard(token="right", loopback=False)
LOCAL = {"Host": "127.0.0.1:8080"}
RIGHT = {"Authorization": "Bearer right"}


def request(**headers: str) -> web.Request:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return make_mocked_request("POST", "/admin/purge", headers=sent)


def refused(guard: Guard, change: bool, **headers: str) -> tuple[int, str]:
    with pytest.raises(NotDone) as caught:
        guard.check(request(**headers), change=change)
    assert "right" not in str(caught.value).split()
    return caught.value.status, caught.value.code


def test_on_loopback_looking_takes_no_token_and_changing_does() -> None:
    HERE.check(request(**LOCAL), change=False)
    HERE.check(request(**LOCAL, **RIGHT), change=True)
    assert refused(HERE, True, **LOCAL) == (401, "token")


def test_beyond_loopback_looking_takes_it_too() -> None:
    host = {"Host": "edge.example:8081"}
    assert refused(BEYOND, False, **host) == (401, "token")
    BEYOND.check(request(**host, **RIGHT), change=False)
    BEYOND.check(request(**host, **RIGHT), change=True)


@pytest.mark.parametrize("sent", ["Bearer wrong", "Bearer ", "bearer righ", "Bearer rightt"])
@pytest.mark.parametrize("change", [False, True])
def test_a_wrong_token_is_refused_also_where_none_is_needed(sent: str, change: bool) -> None:
    assert refused(HERE, change, **LOCAL, Authorization=sent) == (401, "token")


def test_another_scheme_is_no_token() -> None:
    assert refused(HERE, True, **LOCAL, Authorization="Basic cmlnaHQ=") == (401, "token")
    HERE.check(request(**LOCAL, Authorization="bEaReR right"), change=True)


def test_without_a_token_set_nothing_can_be_changed() -> None:
    nobody = Guard(token=None, loopback=True)
    nobody.check(request(**LOCAL), change=False)
    assert refused(nobody, True, **LOCAL) == (401, "token")
    assert refused(nobody, True, **LOCAL, Authorization="Bearer None") == (401, "token")
    assert not nobody.has_token


@pytest.mark.parametrize(
    "host",
    ["localhost", "localhost:8080", "127.0.0.1:1", "127.8.9.1", "[::1]:8080", "edge.localhost"],
)
def test_on_loopback_these_are_its_names(host: str) -> None:
    assert HERE.is_here(request(Host=host))


@pytest.mark.parametrize(
    "host",
    [
        "",
        "evil.example",
        "localhost.evil.example:8080",
        "127.0.0.1.evil.example",
        "10.0.0.1",
        "[::1",
        "[::2]:1",
    ],
)
def test_a_name_of_somebody_elses_that_points_here_is_refused(host: str) -> None:
    assert refused(HERE, False, Host=host, **RIGHT) == (403, "host")


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "http://127.0.0.1:9999"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
@pytest.mark.parametrize("guard", [HERE, BEYOND])
def test_a_page_of_another_site_gets_no_answer_even_with_the_token(
    guard: Guard, headers: dict[str, str]
) -> None:
    assert refused(guard, False, **LOCAL, **RIGHT, **headers) == (403, "origin")


def test_our_own_page_does_also_behind_tls() -> None:
    own = {
        "Host": "edge.example",
        "Sec-Fetch-Site": "same-origin",
        "Origin": "https://edge.example",
    }
    BEYOND.check(request(**own, **RIGHT), change=True)
