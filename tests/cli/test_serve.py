"""`edgeproxy serve` as an operator runs it."""

import signal
from pathlib import Path

import aiohttp
import pytest

from edgeproxy.emulator.server import Emulator

from ..conftest import until, write_tenants
from ..wire import talk
from .conftest import Run, Start, line_with


async def test_check_validates_and_starts_nothing(run: Run, tmp_path: Path) -> None:
    ended = await run("serve", "--check", SARVAM_API_KEY="k")
    assert (ended.code, ended.err) == (0, "")
    assert "fine" in ended.out
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("arguments", "env", "named"),
    [
        ([], {}, "SARVAM_API_KEY"),
        (["--port", "70000"], {"SARVAM_API_KEY": "k"}, "server.port = 70000"),
        (["--host", "0.0.0.0"], {"SARVAM_API_KEY": "k"}, "auth.mode"),
        (["--upstream", "sarvam"], {"SARVAM_API_KEY": "k"}, "origin.url"),
        ([], {"SARVAM_API_KEY": "k", "EDGEPROXY_PHRASES__TIME_ZONE": "Mars/Base"}, "time_zone"),
        ([], {"SARVAM_API_KEY": "k", "EDGEPROXY_PHRASES__NIGHT": "30 2 31 2 *"}, "phrases.night"),
        (["--phrases", "nowhere"], {"SARVAM_API_KEY": "k"}, "phrases.directory"),
        (["--config", "nowhere.yaml"], {"SARVAM_API_KEY": "k"}, "nowhere.yaml"),
        ([], {"SARVAM_API_KEY": "k", "EDGEPROXY_POOL__READY": "x"}, "pool.ready = 'x'"),
    ],
)
async def test_a_bad_setting_is_one_line_and_exit_code_2(
    run: Run, arguments: list[str], env: dict[str, str], named: str
) -> None:
    ended = await run("serve", *arguments, **env)
    assert ended.code == 2
    (line,) = ended.err.splitlines()
    assert named in line


async def test_a_bad_book_is_named_and_nothing_starts(run: Run, tmp_path: Path) -> None:
    (tmp_path / "books").mkdir()
    (tmp_path / "books" / "broken.yaml").write_text("phrases: [", encoding="utf-8")
    ended = await run("serve", "--check", "--phrases", "books", SARVAM_API_KEY="k")
    assert ended.code == 2
    assert "broken.yaml" in ended.err


async def test_a_taken_port_is_one_line_and_exit_code_1(run: Run, emulator: Emulator) -> None:
    port = emulator.url.rsplit(":", 1)[1]
    ended = await run("serve", "--port", port, SARVAM_API_KEY="k")
    assert ended.code == 1
    assert f"cannot listen on 127.0.0.1:{port}" in ended.err


async def test_a_folder_that_cannot_be_used_is_named_with_the_remedy(
    run: Run, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    ended = await run("serve", "--port", "0", "--data-dir", "file/data", SARVAM_API_KEY="k")
    assert ended.code == 1
    (line,) = ended.err.splitlines()
    assert "cannot use file/data: Not a directory" in line
    assert "--data-dir" in line


async def test_a_damaged_secret_is_one_line_and_exit_code_2(run: Run, tmp_path: Path) -> None:
    (tmp_path / "install-secret").touch()
    ended = await run("serve", "--port", "0", "--data-dir", ".", SARVAM_API_KEY="k")
    assert ended.code == 2
    (line,) = ended.err.splitlines()
    assert "install-secret is damaged" in line
    assert "remove it" in line


async def test_it_speaks_is_killed_and_the_next_one_still_knows(
    start: Start, emulator: Emulator
) -> None:
    heard = []
    for end in (signal.SIGKILL, signal.SIGTERM):
        process = await start(
            "serve", "--port", "0", "--upstream", emulator.url, SARVAM_API_KEY="k",
            EDGEPROXY_CACHE__MIN_FREE_BYTES="0",
        )  # fmt: skip
        line = await line_with(process, "listening")
        url = line.split("listening on ")[1].split(",")[0]
        async with talk(url) as client:
            heard.append(await client.say("नमस्ते, आप कैसे हैं?"))
            if end is signal.SIGKILL:
                # The turn's line is written when it ended; its record is safe when it says so here.
                while "hit" not in (await client.say("नमस्ते, आप कैसे हैं?")).verdicts[0]:
                    pass
                await settled(url)
        process.send_signal(end)
        code = await process.wait()
        assert code == (-signal.SIGKILL if end is signal.SIGKILL else 0)
    assert [answer.verdicts for answer in heard] == [["miss"], ["hit-disk"]]
    assert heard[0].audio == heard[1].audio


async def settled(url: str) -> None:
    """Wait until the record is visible on disk."""
    async with aiohttp.ClientSession() as session:
        while True:
            async with session.get(f"{url}/readyz") as response:
                if (await response.json())["records"]:
                    return


async def test_a_second_sigterm_ends_it_at_once(start: Start, emulator: Emulator) -> None:
    emulator.change_faults("stall:seconds=forever:after=1")
    process = await start("serve", "--port", "0", "--upstream", emulator.url, SARVAM_API_KEY="k")
    line = await line_with(process, "listening")
    url = line.split("listening on ")[1].split(",")[0]
    async with talk(url) as client:
        await client.text("यह वाक्य कभी ख़त्म नहीं होगा।")
        await client.hear()
        process.send_signal(signal.SIGTERM)
        await line_with(process, "draining")
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 1


async def test_sighup_renews_the_sessions_and_nobody_is_cut_off(
    start: Start, emulator: Emulator
) -> None:
    process = await start("serve", "--port", "0", "--upstream", emulator.url, SARVAM_API_KEY="k")
    url = (await line_with(process, "listening")).split("listening on ")[1].split(",")[0]
    async with talk(url) as client:
        assert (await client.say("नमस्ते।")).audio
        before = emulator.counters.handshakes
        process.send_signal(signal.SIGHUP)
        await until(lambda: emulator.counters.handshakes >= before + 4)
        assert (await client.say("फिर से नमस्ते।")).audio


async def test_a_bad_tenants_file_is_named_before_anything_starts(run: Run, tmp_path: Path) -> None:
    (tmp_path / "tenants.yaml").write_text("tenants:\n  one:\n    tokens: [ept_secret]\n")
    env = {"EDGEPROXY_AUTH__MODE": "proxy", "EDGEPROXY_AUTH__TENANTS": "tenants.yaml"}
    ended = await run("serve", "--check", SARVAM_API_KEY="k", **env)
    assert ended.code == 2
    assert "tenants.yaml:3:5" in ended.err
    assert "edgeproxy token" in ended.err
    assert "secret" not in ended.err


async def test_a_month_that_is_spent_stays_spent_after_a_kill_and_sighup_reads_the_tenants(
    start: Start, emulator: Emulator, tmp_path: Path
) -> None:
    file, text = tmp_path / "tenants.yaml", "नमस्ते, आप कैसे हैं?"
    cap = len(text) + 2
    write_tenants(file, one={"tokens": ["t"], "characters_per_month": cap})
    env = {
        "SARVAM_API_KEY": "k",
        "EDGEPROXY_AUTH__MODE": "proxy",
        "EDGEPROXY_AUTH__TENANTS": str(file),
        "EDGEPROXY_CACHE__MIN_FREE_BYTES": "0",
    }
    months = tmp_path / "data" / "months.json"
    for end in (signal.SIGKILL, signal.SIGTERM):
        process = await start("serve", "--port", "0", "--upstream", emulator.url, **env)
        url = (await line_with(process, "listening")).split("listening on ")[1].split(",")[0]
        async with talk(url, key="t") as client:
            if end is signal.SIGKILL:
                assert (await client.say(text)).verdicts == ["miss"]
                await until(lambda: months.exists() and str(len(text)) in months.read_text())
                await settled(url)
            else:
                assert [error["code"] for error in (await client.say("कुछ और।")).errors] == [429]
                assert (await client.say(text)).verdicts == ["hit-disk"]
                write_tenants(file, one={"tokens": ["t"]})
                process.send_signal(signal.SIGHUP)
                await line_with(process, "TenantsReloaded")
                assert (await client.say("कुछ और।")).verdicts == ["miss"]
        process.send_signal(end)
        await process.wait()
