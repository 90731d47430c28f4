"""Validators, conditions and ranges of whole files, over a real server."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import aiohttp
import pytest
from aiohttp import web

from edgeproxy.downstream.files import Files, Validators, range_of, whole_or_part
from edgeproxy.downstream.routes import in_sarvams_shape

BODY = bytes(range(100))
FILE = Validators(b"abc", datetime(2026, 11, 24, 12, 0, 0, 500_000, tzinfo=UTC))
TAG = f'"{FILE.etag}"'
THEN = "Tue, 24 Nov 2026 12:00:00 GMT"
BEFORE = "Tue, 24 Nov 2026 11:59:59 GMT"


@pytest.fixture
async def url() -> AsyncIterator[str]:
    async def known(request: web.Request) -> web.Response:
        if FILE.are_known(request):
            return web.Response(status=304)
        return whole_or_part(request, BODY, FILE, content_type="audio/wav")

    async def unknown(request: web.Request) -> web.Response:
        return whole_or_part(request, BODY, None, content_type="audio/wav")

    app = web.Application(middlewares=[in_sarvams_shape])
    app.router.add_get("/known", known)
    app.router.add_get("/unknown", unknown)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0]
    yield f"http://{host}:{port}"
    await runner.cleanup()


async def get(
    url: str, method: str = "GET", **headers: str
) -> tuple[aiohttp.ClientResponse, bytes]:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, url, headers=sent) as response,
    ):
        return response, await response.read()


@pytest.mark.parametrize(
    ("asked", "part"),
    [
        ("bytes=0-9", range(10)),
        ("bytes=90-", range(90, 100)),
        ("bytes=90-5000", range(90, 100)),
        ("bytes=-10", range(90, 100)),
        ("bytes=-5000", range(100)),
        ("Bytes=99-99", range(99, 100)),
        ("bytes=100-", range(0)),
        ("bytes=-0", range(0)),
        ("bytes=9-3", None),
        ("bytes=-", None),
        ("bytes=0-1,5-6", None),
        ("lines=0-9", None),
        ("bytes=a-b", None),
        ("bytes=" + "9" * 5000 + "-", None),
        ("", None),
    ],
)
def test_a_range_is_what_http_says(asked: str, part: range | None) -> None:
    found = range_of(asked, 100)
    assert (found is None) == (part is None)
    assert list(found or ()) == list(part or ())


async def test_a_file_is_whole_in_part_or_past_its_end(url: str) -> None:
    response, body = await get(f"{url}/known")
    assert (response.status, body) == (200, BODY)
    assert response.headers["ETag"] == TAG
    assert response.headers["Last-Modified"] == THEN
    assert response.headers["Accept-Ranges"] == "bytes"
    response, body = await get(f"{url}/known", Range="bytes=10-19")
    assert (response.status, body) == (206, BODY[10:20])
    assert response.headers["Content-Range"] == "bytes 10-19/100"
    assert response.headers["ETag"] == TAG
    response, _ = await get(f"{url}/known", Range="bytes=100-")
    assert response.status == 416
    assert response.headers["Content-Range"] == "bytes */100"
    assert (await get(f"{url}/known", Range="bytes=0-1,3-4"))[0].status == 200


async def test_head_tells_what_get_would(url: str) -> None:
    got, _ = await get(f"{url}/known")
    told, nothing = await get(f"{url}/known", "HEAD", Range="bytes=0-9")
    assert (told.status, nothing) == (200, b"")
    assert {**told.headers, "Date": ""} == {**got.headers, "Date": ""}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"If_None_Match": TAG}, 304),
        ({"If_None_Match": f"W/{TAG}"}, 304),
        ({"If_None_Match": f'"x", {TAG}'}, 304),
        ({"If_None_Match": "*"}, 304),
        ({"If_None_Match": '"x"', "If_Modified_Since": THEN}, 200),
        ({"If_Modified_Since": THEN}, 304),
        ({"If_Modified_Since": BEFORE}, 200),
        ({"If_Modified_Since": "yesterday"}, 200),
        ({"If_Match": TAG}, 200),
        ({"If_Match": "*"}, 200),
        ({"If_Match": '"x"'}, 412),
        ({"If_Match": f"W/{TAG}"}, 412),
        ({"If_Unmodified_Since": THEN}, 200),
        ({"If_Unmodified_Since": BEFORE}, 412),
        ({"Range": "bytes=0-9", "If_Range": TAG}, 206),
        ({"Range": "bytes=0-9", "If_Range": '"x"'}, 200),
        ({"Range": "bytes=500-", "If_Range": '"x"'}, 200),
        ({"Range": "bytes=0-9", "If_None_Match": TAG}, 304),
    ],
)
async def test_conditions_are_held(url: str, headers: dict[str, str], status: int) -> None:
    assert (await get(f"{url}/known", **headers))[0].status == status


async def test_what_nobody_knows_again_has_no_ranges(url: str) -> None:
    response, body = await get(f"{url}/unknown", Range="bytes=10-19")
    assert (response.status, body) == (200, BODY)
    assert response.headers["Accept-Ranges"] == "none"
    assert "ETag" not in response.headers


def test_the_files_used_last_are_kept_and_no_more_than_fit() -> None:
    files = Files(limit_bytes=10)
    files.keep(b"a", b"aaaa")
    files.keep(b"b", b"bbbb")
    assert files.get(b"a") == b"aaaa"
    files.keep(b"c", b"cccc")
    assert (files.get(b"a"), files.get(b"b"), files.get(b"c")) == (b"aaaa", None, b"cccc")
    files.keep(b"a", b"aaaa")
    assert files.size == 8
    files.keep(b"huge", bytes(11))
    assert (files.get(b"huge"), files.size) == (None, 0)
