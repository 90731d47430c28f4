"""The console: its files as they are served, and the page in a browser before a running proxy."""

import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from playwright.async_api import (
    Browser,
    ConsoleMessage,
    Page,
    Request,
    Route,
    async_playwright,
    expect,
)

from edgeproxy.app import Proxy
from edgeproxy.cache.purge import Scope
from edgeproxy.core.events import Event
from edgeproxy.emulator.server import Emulator
from edgeproxy.operate import console
from edgeproxy.operate.console import Console

from ..conftest import StartProxy, landed, made, until
from ..wire import talk

FOLDER = Path(console.__file__).parent / "page"
FILES = sorted(file.name for file in FOLDER.iterdir() if file.suffix in (".html", ".css", ".js"))

CHROMIUM = shutil.which("chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
]
PATIENCE_MS = 20_000

TOKEN = "a-token-that-only-these-tests-know"
BOOK = """
languages: [en-IN, hi-IN]
voice: {model: "bulbul:v3", speaker: ritu}
sample_rates: [8000]
phrases:
  hello: {en-IN: Hello there., hi-IN: नमस्ते।}
  goodbye: {en-IN: Goodbye and thank you., hi-IN: फिर मिलेंगे।}
"""
PARKING = "Parking is behind the building."

in_a_browser = pytest.mark.skipif(
    CHROMIUM is None,
    reason="needs a browser: apt-get install --no-install-recommends chromium fonts-noto-core",
)


# ---- the files -------------------------------------------------------------------------------------


@pytest.fixture
async def served() -> AsyncIterator[str]:
    """Where the console is served, with nothing beside it."""
    app = web.Application()
    Console().add_routes(app.router)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def fetch(
    url: str, *, method: str = "GET", headers: dict[str, str] | None = None
) -> tuple[aiohttp.ClientResponse, bytes]:
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, url, headers=headers) as response,
    ):
        return response, await response.read()


@pytest.mark.parametrize("name", FILES)
async def test_each_file_of_the_page_is_served_with_its_type_and_a_strict_policy(
    served: str, name: str
) -> None:
    response, body = await fetch(f"{served}/console/{name}")
    assert response.status == 200
    assert body == (FOLDER / name).read_bytes()
    kind = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}[Path(name).suffix]
    assert response.headers["Content-Type"] == f"{kind}; charset=utf-8"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert response.headers["Cache-Control"] == "no-cache"
    assert response.headers["Content-Security-Policy"] == (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src 'self' data:; media-src 'self' blob:; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    )


async def test_the_page_itself_is_at_console(served: str) -> None:
    _, body = await fetch(f"{served}/console")
    assert body == (FOLDER / "index.html").read_bytes()


async def test_a_browser_that_has_a_file_is_told_so(served: str) -> None:
    for path in ("/console", "/console/console.js"):
        first, _ = await fetch(served + path)
        etag = first.headers["ETag"]
        again, body = await fetch(served + path, headers={"If-None-Match": f'"another", {etag}'})
        assert (again.status, body, again.headers["ETag"]) == (304, b"", etag)
        assert "Content-Security-Policy" in again.headers
        other, _ = await fetch(served + path, headers={"If-None-Match": '"another"'})
        assert other.status == 200
        head, body = await fetch(served + path, method="HEAD")
        assert (head.status, body, head.headers["ETag"]) == (200, b"", etag)


@pytest.mark.parametrize(
    "path", ["nothing.js", "__init__.py", "..%2Fconsole.py", "%2Fetc%2Fpasswd", "", "now.js/"]
)
async def test_nothing_else_is_served(served: str, path: str) -> None:
    assert (await fetch(f"{served}/console/{path}"))[0].status == 404


async def test_the_console_only_answers(served: str) -> None:
    assert (await fetch(f"{served}/console", method="POST"))[0].status == 405


@pytest.mark.parametrize("name", FILES)
def test_the_page_needs_nothing_from_another_host(name: str) -> None:
    text = (FOLDER / name).read_text(encoding="utf-8")
    namespaces = text.replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"\w+://(?!\$)", namespaces), "an address of another host"
    assert not re.search(r"\sstyle=|<style|\son\w+=|javascript:|\beval\(|innerHTML", text)


# ---- the page --------------------------------------------------------------------------------------


def write_book(directory: Path, text: str) -> Path:
    """The folder of a book called desk."""
    folder = directory / "books"
    folder.mkdir()
    (folder / "desk.yaml").write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
async def edge(start_proxy: StartProxy, tmp_path: Path, facts: list[Event]) -> AsyncIterator[Proxy]:
    """A proxy with an admin token and a small book, all of it made."""
    books = write_book(tmp_path, BOOK)
    async with start_proxy(admin={"token": TOKEN}, phrases={"directory": books}) as proxy:
        await until(lambda: made(facts) == 4)
        yield proxy


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    expect.set_options(timeout=PATIENCE_MS)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        await browser.close()


@asynccontextmanager
async def opened(browser: Browser, url: str, **options: Any) -> AsyncIterator[Page]:
    """The console in a fresh profile. What its scripts or its policy object to fails the test."""
    objections: list[str] = []

    def listen(message: ConsoleMessage) -> None:
        # What the proxy refuses is said so by the browser, too.
        refused = message.text.startswith("Failed to load resource")
        if message.type in ("error", "warning") and not refused:
            objections.append(message.text)

    context = await browser.new_context(**options)
    page = await context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.on("console", listen)
    page.on("pageerror", lambda error: objections.append(str(error)))
    await page.goto(url)
    yield page
    assert objections == []
    await context.close()


@pytest.fixture
async def page(edge: Proxy, browser: Browser) -> AsyncIterator[Page]:
    async with opened(browser, f"{edge.operator_url}/console") as page:
        await expect(page.locator("#status")).to_contain_text("Ready")
        yield page


async def say(proxy: Proxy, text: str, *, language: str = "en-IN") -> None:
    async with talk(proxy.url) as client:
        await client.config(target_language_code=language, speaker="ritu")
        await client.say(text)
    await landed(proxy)


async def enter(page: Page, token: str) -> None:
    await page.get_by_role("button", name="Enter token").click()
    await page.get_by_label("Token", exact=True).fill(token)
    await page.keyboard.press("Enter")


async def let_in(page: Page) -> None:
    await enter(page, TOKEN)
    await expect(page.locator("#token-button")).to_have_text("Forget token")


async def go(page: Page, name: str) -> None:
    await page.get_by_role("navigation").get_by_role("link", name=name).click()
    await expect(page.locator("main > section:visible h1")).to_be_focused()


class TestNow:
    pytestmark = in_a_browser

    async def test_before_the_first_turn_it_says_what_to_do(self, page: Page) -> None:
        await expect(page.locator("#plot-empty")).to_contain_text("point an agent at")

    async def test_turns_are_dots_and_figures_within_moments(self, page: Page, edge: Proxy) -> None:
        for _ in range(3):
            await say(edge, PARKING)
        await expect(page.locator("#plot .dots .dot.origin")).to_have_count(1)
        await expect(page.locator("#plot .dots .dot.cache")).to_have_count(2)
        for group in ("cache", "origin"):
            await expect(page.locator(f"[data-group={group}] .big")).to_have_text(
                re.compile(r"^[\d.]+\sm?s$")
            )
        await expect(page.locator("[data-group=error] .big")).to_have_text("0")
        await expect(page.locator("#turns tbody tr")).to_have_count(3)
        await expect(page.locator("#today .value").first).to_have_text("67 %")
        await expect(page.locator("#plot-empty")).to_be_hidden()

    async def test_a_turn_that_only_began_from_the_cache_is_told_so(
        self, page: Page, edge: Proxy
    ) -> None:
        await say(edge, f"Hello there. {PARKING}")
        await expect(page.locator("#turns tbody tr")).to_contain_text(
            "1 of 2 segments asked of the origin"
        )
        await expect(page.locator("[data-group=cache]")).to_contain_text("one turn")
        wholly = page.locator("#today > div", has_text="Turns wholly from cache")
        await expect(wholly).to_contain_text("0 of 1")

    async def test_the_day_begins_at_midnight_and_says_where(
        self, edge: Proxy, browser: Browser
    ) -> None:
        # The proxy's day is one of Asia/Kolkata.
        for zone, said in (("Asia/Kolkata", "since midnight"), ("UTC", "midnight in Asia/Kolkata")):
            async with opened(browser, f"{edge.operator_url}/console", timezone_id=zone) as page:
                await expect(page.locator("#today-since")).to_contain_text(said)

    async def test_an_origin_that_fails_is_an_error_of_another_shape(
        self, page: Page, edge: Proxy
    ) -> None:
        async with talk(edge.url) as client:
            await client.config(target_language_code="en-IN", speaker="nobody-of-this-name")
            await client.say(PARKING)
        await expect(page.locator("#plot .dots .dot.error")).to_have_count(1)
        await expect(page.locator("[data-group=error] .big")).to_have_text("1")

    async def test_a_proxy_that_is_gone_is_said_plainly_and_found_again(self, page: Page) -> None:
        await page.route("**/admin/state*", lambda route: route.abort())
        await expect(page.locator("#status")).to_have_text(
            re.compile(r"^Can’t reach the proxy since \d\d:\d\d:\d\d")
        )
        await page.unroute("**/admin/state*")
        await expect(page.locator("#status")).to_contain_text("Ready")

    async def test_a_page_that_nobody_sees_asks_nothing(
        self, edge: Proxy, browser: Browser
    ) -> None:
        asked: list[Request] = []
        async with opened(browser, "about:blank") as page:
            await page.clock.install()
            page.on("request", lambda it: asked.append(it) if "/admin/state" in it.url else None)
            await page.goto(f"{edge.operator_url}/console")
            await expect(page.locator("#status")).to_contain_text("Ready")
            await look_away(page, hidden=True)
            before = len(asked)
            await page.clock.run_for(60_000)
            assert len(asked) == before
            async with page.expect_request("**/admin/state*"):
                await look_away(page, hidden=False)


async def look_away(page: Page, *, hidden: bool) -> None:
    await page.evaluate(
        """hidden => {
            Object.defineProperty(document, "hidden", {configurable: true, get: () => hidden});
            document.dispatchEvent(new Event("visibilitychange"));
        }""",
        hidden,
    )


class TestPhrases:
    pytestmark = in_a_browser

    async def test_search_by_keyboard_alone(self, page: Page) -> None:
        await page.keyboard.press("/")
        await expect(page.get_by_label("Search")).to_be_focused()
        rows = page.locator("#phrases-table .phrase")
        await expect(rows).to_have_count(4)
        await page.keyboard.type("hi-IN good")
        await expect(rows).to_have_count(1)
        await expect(rows).to_contain_text("desk/goodbye")
        await expect(page.locator("#phrases-count")).to_have_text("1 of 4 phrases")
        for query, found in (("मिलेंगे", 1), ("ritu", 4), ("ready", 4), ("no such words", 0)):
            await page.keyboard.press("Control+a")
            await page.keyboard.type(query)
            await expect(rows).to_have_count(found)
        await expect(page.locator("#phrases-empty")).to_contain_text("No phrase has all these")

    async def test_a_phrase_is_heard(self, page: Page) -> None:
        await go(page, "Phrases")
        await page.evaluate(
            """() => {
                const player = document.querySelector("audio");
                player.dataset.heard = "";
                for (const name of ["playing", "ended", "error"])
                    player.addEventListener(name, () => { player.dataset.heard += ` ${name}`; });
            }"""
        )
        button = page.get_by_role("button", name="Play desk/hello, en-IN, ritu")
        async with page.expect_response("**/admin/phrases/*/audio") as fetched:
            await button.click()
        assert (await (await fetched.value).header_value("Content-Type")) == "audio/wav"
        await expect(page.locator("audio")).to_have_attribute("data-heard", " playing ended")
        await expect(button).to_have_attribute("aria-pressed", "false")

    async def test_what_sounds_wrong_is_said_with_the_token_alone(self, page: Page) -> None:
        await go(page, "Phrases")
        await page.locator(".phrase", has_text="Hello there.").locator(".disclosure").click()
        button = page.get_by_role("button", name="Sounds wrong: Hello there.")
        await expect(button).to_be_disabled()
        await expect(page.locator("#phrases-table [data-hint]")).to_contain_text(
            "needs the admin token"
        )
        await let_in(page)
        await button.click()
        question = page.get_by_role("dialog", name="Does it sound wrong?")
        await question.get_by_role("button", name="Cancel").click()
        await expect(question).to_be_hidden()
        await expect(button).to_be_focused()
        await button.click()
        async with page.expect_response("**/wrong") as answer:
            await question.get_by_role("button", name="It sounds wrong").click()
        assert (await (await answer.value).json())["did"] == "purged"
        await expect(page.locator("#phrases-said")).to_have_text(
            "“Hello there.” is purged, and made anew at once."
        )

    async def test_what_waits_to_be_picked_is_heard_and_picked(
        self, start_proxy: StartProxy, tmp_path: Path, facts: list[Event], browser: Browser
    ) -> None:
        books = write_book(tmp_path, BOOK + "swap: manual\n")
        async with start_proxy(admin={"token": TOKEN}, phrases={"directory": books}) as proxy:
            await until(lambda: made(facts) == 4)
            async with opened(browser, f"{proxy.operator_url}/console#phrases") as page:
                await let_in(page)
                row = page.locator(".phrase", has_text="Hello there.")
                await expect(row).to_contain_text("waits to be picked")
                async with page.expect_response("**/audio?generation=1") as fetched:
                    await row.get_by_role("button", name="Play desk/hello").click()
                assert (await fetched.value).ok
                await row.locator(".disclosure").click()
                await expect(page.locator("#phrases-table .details:visible")).to_contain_text(
                    "no caller hears it until somebody picks it"
                )
                await page.get_by_role("button", name="Let it be heard: Hello there.").click()
                await expect(page.locator("#phrases-said")).to_contain_text("Callers hear")
                await expect(row.locator("td.state")).to_have_text("ready")


class TestToken:
    pytestmark = in_a_browser

    async def test_where_even_looking_needs_it_the_page_asks_for_it(
        self, edge: Proxy, browser: Browser
    ) -> None:
        async def guard(route: Route) -> None:
            if "authorization" in route.request.headers:
                await route.continue_()
            else:
                refusal = {"error": {"code": "token", "message": "reading needs the admin token"}}
                await route.fulfill(status=401, json=refusal)

        async with opened(browser, "about:blank") as page:
            await page.route("**/admin/**", guard)
            await page.goto(f"{edge.operator_url}/console#phrases")
            question = page.get_by_role("dialog", name="Admin token")
            await expect(question).to_contain_text("even to look")
            await page.keyboard.press("Escape")
            await expect(page.locator("#status")).to_contain_text("Reading needs the admin token")
            await let_in(page)
            await expect(page.locator("#status")).to_contain_text("Ready")
            await expect(page.locator("#phrases-table .phrase")).to_have_count(4)
            await expect(page.locator("#phrases-said")).to_be_empty()

    async def test_one_that_is_no_longer_taken_is_told_and_forgotten(self, page: Page) -> None:
        await let_in(page)
        refusal = {"error": {"code": "token", "message": "this is not the admin token"}}
        await page.route(
            "**/admin/**", lambda route: route.fulfill(status=401, json=refusal), times=1
        )
        question = page.get_by_role("dialog", name="Admin token")
        await expect(question).to_contain_text("does not take the token any more")
        assert await page.evaluate("sessionStorage.length") == 0
        await page.keyboard.press("Escape")
        await expect(page.locator("#status")).to_contain_text("Ready")

    async def test_a_wrong_one_is_told_and_forgotten(self, page: Page) -> None:
        await enter(page, "not-the-token")
        await expect(page.locator("#token-wrong")).to_contain_text("not the token")
        await expect(page.get_by_label("Token", exact=True)).to_have_value("")
        assert await page.evaluate("sessionStorage.length + localStorage.length") == 0
        await page.keyboard.press("Escape")
        await expect(page.locator("#token-dialog")).to_be_hidden()
        await expect(page.get_by_role("button", name="Enter token")).to_be_focused()

    async def test_it_is_this_tabs_alone_and_opens_what_changes(
        self, page: Page, edge: Proxy
    ) -> None:
        await go(page, "Controls")
        await expect(page.locator("[data-changes]:enabled")).to_have_count(0)
        await let_in(page)
        await expect(page.locator("[data-changes]:disabled")).to_have_count(0)
        assert TOKEN not in await page.content()
        await page.reload()
        await expect(page.locator("#token-button")).to_have_text("Forget token")
        other = await page.context.new_page()
        await other.goto(f"{edge.operator_url}/console")
        await expect(other.locator("#token-button")).to_have_text("Enter token")
        await page.get_by_role("button", name="Forget token").click()
        await expect(page.locator("[data-changes]:enabled")).to_have_count(0)

    async def test_the_cache_is_switched_and_said_on_every_view(self, page: Page) -> None:
        await go(page, "Controls")
        await let_in(page)
        await page.get_by_role("button", name="Off", exact=True).click()
        await expect(page.locator("#cache-note")).to_contain_text("The cache is off.")
        await go(page, "Now")
        await expect(page.locator("#cache-note")).to_be_visible()
        await page.get_by_role("link", name="Change it").click()
        await page.get_by_role("button", name="On", exact=True).click()
        await expect(page.locator("#cache-note")).to_be_hidden()

    async def test_what_is_switched_moves_nothing_under_the_pointer(self, page: Page) -> None:
        await page.set_viewport_size({"width": 1440, "height": 900})
        await go(page, "Controls")
        await let_in(page)
        shadow = page.get_by_role("button", name="Shadow", exact=True)
        before = await shadow.bounding_box()
        await shadow.click()
        await expect(page.locator("#cache-note")).to_contain_text("The cache is in shadow.")
        await expect(page.locator("#controls-said")).to_contain_text("in shadow")
        assert await shadow.bounding_box() == before

    async def test_a_purge_is_asked_about_first(self, page: Page, edge: Proxy) -> None:
        await say(edge, PARKING)
        await go(page, "Controls")
        await let_in(page)
        await page.get_by_label("Text", exact=True).fill(PARKING)
        await page.get_by_role("button", name="Purge …").click()
        question = page.get_by_role("dialog", name="Purge?")
        await expect(question).to_contain_text(PARKING)
        await question.get_by_role("button", name="Purge", exact=True).click()
        await expect(page.locator("#controls-said")).to_contain_text("Gone: ")


class TestReading:
    pytestmark = in_a_browser

    async def test_explain_says_what_and_why(self, page: Page) -> None:
        await go(page, "Explain")
        form = page.locator("#explain-form")
        await form.get_by_label("Text").fill("Hello everybody.")
        await form.get_by_label("Language").fill("en-IN")
        await form.get_by_label("Speaker").fill("ritu")
        await page.keyboard.press("Enter")
        segment = page.locator("#explain-answer .segments > li")
        await expect(segment).to_have_count(1)
        await expect(segment).to_have_attribute("data-verdict", "miss")
        await expect(segment).to_contain_text("asked of the origin")
        assert await segment.locator(".why li").count() > 0

    async def test_explain_offers_the_voices_of_the_books(self, page: Page) -> None:
        await go(page, "Explain")
        offered = page.locator("#explain-languages option")
        await expect(offered).to_have_count(2)
        assert [await each.get_attribute("value") for each in await offered.all()] == [
            "en-IN", "hi-IN"
        ]  # fmt: skip
        await expect(page.locator("#explain-speakers option")).to_have_attribute("value", "ritu")

    async def test_explain_says_once_that_a_phrase_has_another_pace(self, page: Page) -> None:
        await go(page, "Explain")
        await page.locator("#explain-text").fill("Hello there.")
        await page.locator("#explain-language").fill("en-IN")
        await page.locator("#explain-speaker").fill("ritu")
        await page.get_by_text("More of the voice").click()
        await page.get_by_label("Pace", exact=True).fill("1.2")
        await page.keyboard.press("Enter")
        segment = page.locator("#explain-answer .segments > li")
        await expect(segment.locator(".why")).to_contain_text("with pace 1.0 instead of 1.2")
        await expect(segment.locator("table")).to_contain_text("pace: asked 1.2, kept 1.0")
        await expect(segment.locator(".near-phrase")).to_have_count(0)

    async def test_what_explain_refuses_is_said(self, page: Page) -> None:
        await go(page, "Explain")
        await page.locator("#explain-text").fill("Hello everybody.")
        await page.locator("#explain-language").fill("en-IN")
        await page.get_by_text("More of the voice").click()
        await page.get_by_label("Pace", exact=True).fill("slow")
        await page.keyboard.press("Enter")
        await expect(page.locator("#explain-said")).to_have_text("“slow” is no number.")

    async def test_what_to_add_is_copied_as_a_book(self, edge: Proxy, browser: Browser) -> None:
        for _ in range(2):
            await say(edge, PARKING)
        granted = ["clipboard-read", "clipboard-write"]
        async with opened(
            browser, f"{edge.operator_url}/console#wanted", permissions=granted
        ) as page:
            await expect(page.locator("#wanted-table tbody tr")).to_contain_text(PARKING)
            await page.get_by_role("button", name="Copy as YAML").click()
            await expect(page.locator("#wanted-said")).to_contain_text("Copied")
            copied = await page.evaluate("navigator.clipboard.readText()")
        assert "languages: [en-IN]" in copied
        assert PARKING in copied

    async def test_without_a_clipboard_it_is_selected(self, edge: Proxy, browser: Browser) -> None:
        for _ in range(2):
            await say(edge, PARKING)
        async with opened(browser, "about:blank") as page:
            await page.add_init_script(
                "Object.defineProperty(navigator, 'clipboard', {value: undefined})"
            )
            await page.goto(f"{edge.operator_url}/console#wanted")
            await page.get_by_role("button", name="Copy as YAML").click()
            await expect(page.locator("#wanted-said")).to_contain_text("Ctrl-C")
            assert PARKING in await page.evaluate("getSelection().toString()")

    async def test_a_phrase_that_a_night_has_not_made_is_found_and_heard(
        self, page: Page, edge: Proxy, emulator: Emulator
    ) -> None:
        emulator.change_faults("silence:text=Hello there")
        await edge.purging.purge(Scope(text="Hello there."), soft=True)
        await edge.night.run(datetime.now(UTC))
        await go(page, "Nights")
        await expect(page.locator("#nights-next")).to_contain_text(re.compile("begins (today|on)"))
        failed = page.locator("#nights-report .lines li", has_text="it is silent")
        await failed.get_by_role("button", name="desk/hello").click()
        row = page.locator("#phrases-table .phrase")
        await expect(row).to_have_count(1)
        await expect(row.locator("td.state")).to_have_text("failed the one before is heard")
        await expect(row.get_by_role("button", name="Play desk/hello, en-IN, ritu")).to_be_enabled()

    async def test_before_the_first_night_it_says_so(self, page: Page) -> None:
        await go(page, "Nights")
        await expect(page.locator("#nights-empty")).to_contain_text("No night yet")


VIEWS = ("now", "phrases", "nights", "wanted", "explain", "controls")
LEAST_CONTRAST = 4.5

COLOURS = """() => {
    const found = {};
    const solid = node => {
        for (; node; node = node.parentElement) {
            const colour = getComputedStyle(node).backgroundColor;
            if (!/, 0\\)$|transparent/.test(colour)) return colour;
        }
    };
    for (const node of document.querySelectorAll("body *")) {
        const said = [...node.childNodes].some(child => child.nodeType === 3 && child.data.trim());
        if (!said || !node.checkVisibility() || node.closest("svg, :disabled")) continue;
        const colours = [getComputedStyle(node).color, solid(node)];
        found[colours.join(" on ")] = [...colours, node.textContent.trim().slice(0, 40)];
    }
    return Object.values(found);
}"""


class TestForEverybody:
    pytestmark = in_a_browser

    @pytest.mark.parametrize("width", [360, 820])
    async def test_a_narrow_screen_needs_no_scrolling_sideways(
        self, edge: Proxy, browser: Browser, width: int
    ) -> None:
        for _ in range(2):
            await say(edge, PARKING)
        size = {"width": width, "height": 740}
        async with opened(browser, f"{edge.operator_url}/console", viewport=size) as page:
            await expect(page.locator("#turns tbody tr")).to_have_count(2)
            for view in VIEWS:
                await page.evaluate("view => { location.hash = view }", view)
                await expect(page.locator(f"#view-{view}")).to_be_visible()
                if view == "phrases":
                    await page.locator(".disclosure").first.click()
                assert await page.evaluate("document.documentElement.scrollWidth") <= width, view

    @pytest.mark.parametrize("scheme", ["light", "dark"])
    async def test_every_text_can_be_read(self, edge: Proxy, browser: Browser, scheme: str) -> None:
        for _ in range(2):
            await say(edge, PARKING)
        async with opened(browser, f"{edge.operator_url}/console", color_scheme=scheme) as page:
            await expect(page.locator("#turns tbody tr")).to_have_count(2)
            await let_in(page)
            for view in VIEWS:
                await page.evaluate("view => { location.hash = view }", view)
                await expect(page.locator(f"#view-{view}")).to_be_visible()
                colours = await page.evaluate(COLOURS)
                assert len(colours) > 2
                for ink, ground, text in colours:
                    assert contrast(ink, ground) >= LEAST_CONTRAST, (view, text, ink, ground)
            ground = await page.evaluate("getComputedStyle(document.body).backgroundColor")
            assert (luminance(ground) < 0.2) == (scheme == "dark")

    async def test_the_page_is_walked_with_the_keyboard_alone(self, page: Page) -> None:
        await page.keyboard.press("Tab")
        await expect(page.locator("#skip")).to_be_focused()
        walked = []
        for _ in range(7):
            await page.keyboard.press("Tab")
            walked.append(await page.evaluate("document.activeElement.textContent.trim()"))
            assert await page.evaluate(
                "getComputedStyle(document.activeElement).outlineStyle"
            ) not in ("none", "")
        assert walked == [
            "Now", "Phrases", "Nights", "To add", "Explain", "Controls", "Enter token"
        ]  # fmt: skip
        await page.keyboard.press("Enter")
        await page.keyboard.type(TOKEN)
        await page.keyboard.press("Enter")
        await expect(page.locator("#token-button")).to_have_text("Forget token")
        await expect(page.locator("#token-button")).to_be_focused()
        for _ in range(5):
            await page.keyboard.press("Shift+Tab")
        await page.keyboard.press("Enter")
        await expect(page.locator("#phrases-title")).to_be_focused()
        await page.keyboard.press("/")
        await page.keyboard.type("hello en-IN")
        await expect(page.locator("#phrases-table .phrase")).to_have_count(1)
        await page.keyboard.press("Tab")  # the choice of a state
        await page.keyboard.press("Tab")  # play
        await expect(page.get_by_role("button", name="Play desk/hello")).to_be_focused()
        await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("button", name="desk/hello", exact=True)).to_have_attribute(
            "aria-expanded", "true"
        )
        for _ in range(3):
            await page.keyboard.press("Tab")
        await expect(page.get_by_role("button", name="Sounds wrong")).to_be_focused()
        await page.keyboard.press("Enter")
        await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
        await expect(page.locator("#phrases-said")).to_have_text(
            "“Hello there.” is purged, and made anew at once."
        )
        await expect(page.get_by_role("button", name="desk/hello", exact=True)).to_be_focused()


def luminance(colour: str) -> float:
    """As WCAG 2 defines it, of ``rgb(…)``."""
    parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)
