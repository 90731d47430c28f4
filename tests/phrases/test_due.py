"""What the books want made, and the reason that is told for it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from edgeproxy.audio import encode
from edgeproxy.core.turn import Cuts
from edgeproxy.phrases.due import Due, Unit, due, units
from edgeproxy.phrases.generations import Failure, Generation, Generations
from edgeproxy.phrases.library import Library
from edgeproxy.phrases.pinned import SHARED

Write = Callable[..., Path]

NOW = datetime(2026, 11, 24, 2, 30, tzinfo=UTC)
TOP = "languages: [en-IN]\nvoice: {speaker: ritu}\n"


def load(folder: Path) -> Library:
    return Library.load(folder, Cuts(), now=NOW)


def wanted(folder: Path) -> list[Unit]:
    return list(units(load(folder)).values())


@pytest.fixture
def generations(tmp_path: Path) -> Generations:
    return Generations(tmp_path / "generations.json")


def make(generations: Generations, folder: Path, *, made: datetime = NOW) -> None:
    """Have everything made that the books of ``folder`` say, as it should be."""
    for unit in wanted(folder):
        digest = unit.recording.digest if unit.recording else None
        pinned = generations.get(unit.voice, unit.text, scope=unit.scope)
        number = pinned.latest.number + 1 if pinned and pinned.latest else 1
        generation = Generation(
            number, made, unit.voice.rate, 1.0, 1, -20.0, takes=unit.takes, recording=digest
        )
        generations.add(
            unit.voice, unit.text, generation, scope=unit.scope, phrases=unit.phrases, move=True
        )


def plan(
    generations: Generations,
    folder: Path,
    *,
    now: datetime = NOW,
    gone: bool = False,
    only: str | None = None,
    all_due: bool = False,
) -> list[Due]:
    return due(
        load(folder),
        generations,
        is_there=lambda unit, generation: not gone,
        now=now,
        only=only,
        all_due=all_due,
    )


def reasons(generations: Generations, folder: Path, *, gone: bool = False) -> list[tuple[str, str]]:
    return [(each.unit.text, each.reason) for each in plan(generations, folder, gone=gone)]


def test_a_unit_is_a_segment_in_a_voice_and_says_who_uses_it(folder: Path, write: Write) -> None:
    write("  a: Hello there. How are you?\n  b: Hello there. Goodbye.\n")

    assert [(unit.text, unit.phrases) for unit in wanted(folder)] == [
        ("Hello there.", ("book/a", "book/b")),
        ("How are you?", ("book/a",)),
        ("Goodbye.", ("book/b",)),
    ]


def test_phrases_that_share_a_text_get_what_satisfies_both(folder: Path, write: Write) -> None:
    write(
        "  a: Hello there. How are you?\n",
        top=TOP + "sample_rates: [8000, 16000]\nrefresh_after: 30 days\n",
        name="one.yaml",
    )
    write(
        "  b: {text: Hello there. Goodbye., refresh_after: 7 days}\n",
        top=TOP + "sample_rates: 24000\nswap: manual\n",
        name="two.yaml",
    )

    shared = wanted(folder)[0]

    assert (shared.voice.rate, shared.rates) == (24000, (8000, 16000, 24000))
    assert (shared.manual, shared.refresh_after) == (True, timedelta(days=7))


def test_only_the_whole_has_takes_and_its_sentences_have_one_each(
    folder: Path, write: Write
) -> None:
    write("  a: {text: Hello there. How are you?, takes: 3}\n")

    assert [(unit.text, unit.takes, unit.characters) for unit in wanted(folder)] == [
        ("Hello there. How are you?", 3, 75),
        ("Hello there.", 1, 12),
        ("How are you?", 1, 12),
    ]


def test_a_human_recording_stands_for_the_whole_and_costs_nothing(
    folder: Path, write: Write
) -> None:
    (folder / "a.wav").write_bytes(encode.encode_whole(bytes(44100), "wav", rate=22050))
    write("  a: {text: Hello there. How are you?, audio: a.wav}\n")

    whole, *sentences = wanted(folder)

    assert whole.recording is not None
    assert whole.characters == 0
    assert [(each.recording, each.characters) for each in sentences] == [(None, 12), (None, 12)]


def test_what_is_not_pinned_is_not_made(folder: Path, write: Write) -> None:
    write("  a: {text: By chance., pin: no}\n")

    assert wanted(folder) == []


def test_a_tenants_text_is_a_unit_of_its_own_and_made_for_it_too(
    folder: Path, write: Write, generations: Generations
) -> None:
    write("  a: Hello there.\n", name="open.yaml")
    write("  a: Hello there.\n", top=TOP + "tenants: [acme]\n", name="acme.yaml")
    make(generations, folder)

    acme, everybody = wanted(folder)

    assert (acme.scope, acme.phrases) == ("acme", ("acme/a",))
    assert (everybody.scope, everybody.phrases) == (SHARED, ("open/a",))
    assert acme.key != everybody.key
    assert plan(generations, folder) == []
    assert {each.scope for each in generations} == {"acme", SHARED}


def test_a_book_that_is_now_for_some_is_made_for_them(
    folder: Path, write: Write, generations: Generations
) -> None:
    write("  a: Hello there.\n")
    make(generations, folder)

    write("  a: Hello there.\n", top=TOP + "tenants: [acme]\n")

    assert [each.reason for each in plan(generations, folder)] == ["new"]


def test_what_nobody_has_made_is_new(folder: Path, write: Write, generations: Generations) -> None:
    write("  a: Hello there.\n  b: Goodbye.\n")

    found = plan(generations, folder)

    assert [(each.unit.text, each.reason, each.after) for each in found] == [
        ("Hello there.", "new", 0),
        ("Goodbye.", "new", 0),
    ]
    assert (found[0].characters, found[0].asked) == (12, NOW)
    assert found[0].rupees == pytest.approx(12 * 30 / 10_000)


def test_what_is_made_is_not_due(folder: Path, write: Write, generations: Generations) -> None:
    write("  a: {text: Hello there., takes: 2}\n  b: Goodbye.\n")
    make(generations, folder)

    assert plan(generations, folder, now=NOW + timedelta(days=999)) == []


def test_another_text_of_a_phrase_is_told_from_a_new_phrase(
    folder: Path, write: Write, generations: Generations
) -> None:
    write("  a: Hello there. How are you?\n")
    make(generations, folder)
    write("  a: Hello there. How do you do?\n  b: Goodbye.\n")

    assert reasons(generations, folder) == [
        ("Goodbye.", "new"),
        ("How do you do?", "changed text"),
    ]


def test_another_voice_of_a_phrase_is_told_from_a_new_phrase(
    folder: Path, write: Write, generations: Generations
) -> None:
    write("  a: Hello there.\n")
    make(generations, folder)
    write("  a: {text: Hello there., voice: {speaker: neha}}\n")

    assert reasons(generations, folder) == [("Hello there.", "changed voice")]


def test_another_speaker_beside_the_first_is_new(
    folder: Path, write: Write, generations: Generations
) -> None:
    write("  a: Hello there.\n")
    make(generations, folder)
    write("  a: {text: Hello there., voice: {speaker: [ritu, neha]}}\n")

    assert reasons(generations, folder) == [("Hello there.", "new")]


@pytest.mark.parametrize(
    ("phrase", "top"),
    [
        ("{text: Hello there., takes: 3}", TOP),
        ("Hello there.", TOP + "sample_rates: [22050, 24000]\n"),
    ],
    ids=["more takes", "a higher rate"],
)
def test_more_takes_and_a_higher_rate_have_to_be_made(
    folder: Path, write: Write, generations: Generations, phrase: str, top: str
) -> None:
    write("  a: Hello there.\n")
    make(generations, folder)
    write(f"  a: {phrase}\n", top=top)

    assert reasons(generations, folder) == [("Hello there.", "changed voice")]


def test_fewer_takes_and_a_lower_rate_are_there_already(
    folder: Path, write: Write, generations: Generations
) -> None:
    write("  a: {text: Hello there., takes: 3}\n")
    make(generations, folder)
    write("  a: Hello there.\n", top=TOP + "sample_rates: [8000, 16000]\n")

    assert plan(generations, folder) == []


def test_another_recording_of_a_human_is_another_voice(
    folder: Path, write: Write, generations: Generations
) -> None:
    write("  a: {text: Hello there., audio: a.wav}\n")
    (folder / "a.wav").write_bytes(encode.encode_whole(bytes(44100), "wav", rate=22050))
    make(generations, folder)
    before = plan(generations, folder)
    (folder / "a.wav").write_bytes(encode.encode_whole(bytes(66150), "wav", rate=22050))

    assert before == []
    assert reasons(generations, folder) == [("Hello there.", "changed voice")]

    write("  a: Hello there.\n")
    assert reasons(generations, folder) == [("Hello there.", "changed voice")]


def test_what_failed_and_what_is_gone_from_the_disk_are_due_again(
    folder: Path, write: Write, generations: Generations
) -> None:
    write("  a: Hello there.\n  b: Goodbye.\n")
    never_made, made = wanted(folder)
    failure = Failure(NOW, ("silent",), 3)
    generations.fail(never_made.voice, never_made.text, failure)
    generation = Generation(1, NOW, 22050, 1.0, 1, -20.0)
    generations.add(made.voice, made.text, generation, move=True)

    assert reasons(generations, folder) == [("Hello there.", "failed check")]
    assert reasons(generations, folder, gone=True) == [
        ("Hello there.", "failed check"),
        ("Goodbye.", "failed check"),
    ]

    generations.fail(made.voice, made.text, failure)
    assert reasons(generations, folder) == reasons(generations, folder, gone=True)


def test_age_is_counted_from_the_latest_generation_and_by_the_phrase_before_its_book(
    folder: Path, write: Write, generations: Generations
) -> None:
    write(
        "  a: Hello there.\n  b: {text: Goodbye., refresh_after: 7 days}\n",
        top=TOP + "refresh_after: 30 days\n",
    )
    make(generations, folder)

    def old(days: int) -> list[str]:
        found = plan(generations, folder, now=NOW + timedelta(days=days))
        assert all(each.reason == "older than refresh_after" for each in found)
        return [each.unit.text for each in found]

    assert (old(6), old(7), old(30)) == ([], ["Goodbye."], ["Hello there.", "Goodbye."])

    # The newest counts, even if an older one is held.
    for unit in list(generations):
        generations.use(unit.key, 1)
    make(generations, folder, made=NOW + timedelta(days=30))
    assert (old(36), old(37)) == ([], ["Goodbye."])


def test_a_human_does_not_say_it_again(
    folder: Path, write: Write, generations: Generations
) -> None:
    (folder / "a.wav").write_bytes(encode.encode_whole(bytes(44100), "wav", rate=22050))
    write("  a: {text: Hello there., audio: a.wav, refresh_after: 1 day}\n")
    make(generations, folder)

    later = NOW + timedelta(days=99)
    assert plan(generations, folder, now=later) == []
    assert plan(generations, folder, now=later, all_due=True) == []


def test_all_of_them_are_due_when_that_is_asked_for(
    folder: Path, write: Write, generations: Generations
) -> None:
    write("  a: Hello there.\n")
    make(generations, folder)
    write("  a: Hello there.\n  b: Goodbye.\n")

    found = plan(generations, folder, all_due=True)

    assert [(each.unit.text, each.reason) for each in found] == [
        ("Goodbye.", "new"),
        ("Hello there.", "older than refresh_after"),
    ]


@pytest.mark.parametrize(
    ("only", "texts"),
    [("book/a", ["Hello."]), ("book", ["Hello.", "Goodbye."]), ("two/a", ["Yes."])],
)
def test_one_phrase_or_one_book_can_be_picked(
    folder: Path, write: Write, generations: Generations, only: str, texts: list[str]
) -> None:
    write("  a: Hello.\n  b: Goodbye.\n")
    write("  a: 'Yes.'\n", name="two.yaml")

    assert [each.unit.text for each in plan(generations, folder, only=only)] == texts


def test_a_phrase_that_is_not_there_is_an_error_with_a_remedy(
    folder: Path, write: Write, generations: Generations
) -> None:
    write("  greeting: Hello.\n")

    with pytest.raises(ValueError, match="`book/greting`; did you mean book/greeting"):
        plan(generations, folder, only="book/greting")
