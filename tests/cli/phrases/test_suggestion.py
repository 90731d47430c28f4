"""`phrases suggest`: what callers asked for, as YAML to paste."""

from pathlib import Path

from edgeproxy.cache.demand import Demand
from edgeproxy.core.key import Teller
from edgeproxy.core.voice import Voice
from edgeproxy.sarvam import models

from ..conftest import Run

HOURS = "What are your opening hours?"
RITU = {"target_language_code": "en-IN", "speaker": "ritu"}


async def test_what_was_asked_for_in_the_last_days_come_out_as_yaml(
    phrases: Run, tmp_path: Path
) -> None:
    teller = Teller("k", Voice(models.audible({**RITU, "rate": 24000})))
    demand = Demand.open(tmp_path / "data")
    for _ in range(3):
        demand.ask(teller.identity(HOURS))
        demand.ask(teller.identity("May I have your full name, please?"))
        demand.ask(teller.identity("Your code is 4 8 1 5."))
    await demand.save()
    ended = await phrases("suggest", SARVAM_API_KEY="")
    assert (ended.code, ended.err) == (0, "")
    assert "asked 3 times" in ended.out
    assert [line for line in ended.out.splitlines() if "en-IN:" in line] == [f"    en-IN: {HOURS}"]
    (tmp_path / "phrases" / "heard.yaml").write_text(ended.out, encoding="utf-8")
    assert (await phrases("check")).code == 0
    assert (await phrases("suggest")).out == ""


async def test_without_anything_to_suggest_nothing_is_printed_that_could_be_pasted(
    phrases: Run,
) -> None:
    ended = await phrases("suggest", "--days", "3")
    assert (ended.code, ended.out) == (0, "")
    assert "nothing to suggest: in the last 3 days" in ended.err
