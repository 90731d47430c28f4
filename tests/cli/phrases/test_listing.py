"""`phrases list`: how each phrase stands."""

import re
from pathlib import Path

from edgeproxy.core.key import Teller
from edgeproxy.phrases.due import Unit
from edgeproxy.phrases.hits import open_hits
from edgeproxy.phrases.pinned import namespace

from ..conftest import Run
from .conftest import edit, row


async def test_each_phrase_language_and_speaker_has_a_row_before_anything_is_made(
    phrases: Run, wanted: list[Unit]
) -> None:
    ended = await phrases("list", SARVAM_API_KEY="")
    assert (ended.code, ended.err) == (0, "")
    assert re.search(r"ritu +not made yet +0/3", row(ended.out, "front-desk/greeting", "hi-IN"))
    assert "kavitha" in row(ended.out, "front-desk/greeting", "ta-IN")
    assert ended.out.splitlines()[-1].startswith(f"0 of {len(wanted)} recordings can be heard")


async def test_it_shows_state_hits_age_takes_length_and_size(
    phrases: Run, books: Path, wanted: list[Unit], tmp_path: Path
) -> None:
    edit(books / "appointments.yaml", "cancelled:\n", "cancelled:\n    pin: false\n")
    for only in ("front-desk/hold", "emergency/bleeding"):
        await phrases("build", "--only", only)
    await phrases("use", "emergency/bleeding/hi-IN", "1")
    hits = open_hits(tmp_path / "data" / "hits")
    held = next(each for each in wanted if each.phrases == ("front-desk/hold",))
    for take in (0, 1, 0):
        hits.count(Teller(namespace(1, take), held.voice).identity(held.text))
    await hits.save()
    table = (await phrases("list")).out
    hold = row(table, "front-desk/hold", "en-IN")
    assert re.search(r"ready +1/1 +3 +just now +2 +\d\.\d s +\d\.\d\d MB", hold)
    assert "waits to be picked" in row(table, "emergency/bleeding", "en-IN", "0/2")
    assert "held" in row(table, "emergency/bleeding", "hi-IN", "2/2")
    assert "left to chance" in row(table, "appointments/cancelled", "en-IN")
    assert "not made yet" in row(table, "front-desk/goodbye", "en-IN", "0/2")
