"""``python -m tests.operate.screenshots URL DIRECTORY``: the documentation's pictures of the console.

They are of a proxy that runs, so that they show what it shows: of ``edgeproxy demo``, some five minutes after
its night, which leaves a phrase that failed.
"""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click
from playwright.async_api import Browser, Page, async_playwright, expect

from .test_console import ARGUMENTS, CHROMIUM


@dataclass(frozen=True, slots=True)
class Picture:
    """One file. ``unfolded``: show what the first row of the list has inside."""

    name: str
    view: str
    width: int
    height: int
    scheme: str = "light"
    unfolded: bool = False


PICTURES: Final = (
    Picture("console-wide", "now", 1440, 1160),
    Picture("console-dark", "now", 1440, 1160, scheme="dark"),
    Picture("console-phone", "now", 390, 844),
    Picture("console-phrases", "phrases", 1440, 760, unfolded=True),
)


async def take(url: str, directory: Path) -> None:
    """Write all of them."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        for picture in PICTURES:
            page = await opened(browser, url, picture)
            file = directory / f"{picture.name}.png"
            await page.screenshot(path=file)
            click.echo(f"{file}: {file.stat().st_size // 1000} kB")
            await page.context.close()
        await browser.close()


async def opened(browser: Browser, url: str, picture: Picture) -> Page:
    """The console as whoever speaks with the callers sees it, with what it shows there."""
    context = await browser.new_context(
        viewport={"width": picture.width, "height": picture.height},
        color_scheme="dark" if picture.scheme == "dark" else "light",
        timezone_id="Asia/Kolkata",
    )
    page = await context.new_page()
    await page.goto(f"{url}/console#{picture.view}")
    await expect(page.locator("#status")).to_contain_text("Ready")
    if picture.view == "now":
        await expect(page.locator("#turns .signed").first).to_be_visible()
    if picture.unfolded:
        await page.locator(".disclosure").first.click()
        await expect(page.locator(".details").first).to_be_visible()
        await page.mouse.move(0, 0)
    return page


@click.command()
@click.argument("url")
@click.argument("directory", type=click.Path(file_okay=False, exists=True, path_type=Path))
def main(url: str, directory: Path) -> None:
    """Take the documentation's pictures of the console at URL (the admin address), into DIRECTORY."""
    asyncio.run(take(url.rstrip("/"), directory))


if __name__ == "__main__":
    main()
