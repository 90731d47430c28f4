"""Other recordings of a text: the nearest first, and each told by what is different."""

from datetime import UTC, datetime, timedelta

from edgeproxy.cache.record import Facts
from edgeproxy.core.key import Identity, Teller
from edgeproxy.core.voice import Voice
from edgeproxy.operate.explanation import NOBODY
from edgeproxy.operate.near import near
from edgeproxy.phrases.nearest import Difference

FIELDS = {"model": "bulbul:v3", "language": "hi-IN", "speaker": "ritu", "rate": 8000, "pace": 1.0}
MADE = datetime(2026, 11, 24, tzinfo=UTC)


def identity(namespace: str, *, epoch: int = 0, **fields: object) -> Identity:
    return Teller(namespace, Voice({**FIELDS, **fields}), epoch).identity("नमस्ते।")


def kept(*identities: Identity) -> dict[Identity, Facts]:
    """Each made an hour after the one before."""
    return {
        each: Facts(each.blob, 8000, 16000, MADE + timedelta(hours=hours), 0)
        for hours, each in enumerate(identities)
    }


def differ(asked: Identity, *others: Identity) -> list[list[str]]:
    return [[each.field for each in found.differs] for found in near(asked, kept(*others))]


def test_fewest_differences_come_first_and_of_equals_the_newest() -> None:
    asked = identity("key-1")
    found = near(
        asked,
        kept(
            asked,
            identity("key-2", pace=0.8, speaker="shubh"),
            identity("key-1", pace=0.8),
            identity("key-1", pace=0.9),
            identity("key-1", pace=0.9, epoch=1),
        ),
    )
    assert [each.differs for each in found] == [
        (Difference("pace", 1.0, 0.9),),
        (Difference("pace", 1.0, 0.8),),
        (Difference("epoch", 0, 1), Difference("pace", 1.0, 0.9)),
        (
            Difference("namespace", "key-1", "key-2"),
            Difference("speaker", "ritu", "shubh"),
            Difference("pace", 1.0, 0.8),
        ),
    ]


def test_no_more_than_a_few_are_told() -> None:
    others = [identity("key-1", pace=0.5 + number / 10) for number in range(10)]
    assert len(near(identity("key-1"), kept(*others))) == 5


def test_nobody_in_particular_is_anybody() -> None:
    asked = identity(NOBODY)
    assert differ(asked, identity("key-1"), identity("tenant-asha", pace=0.8)) == [["pace"]]


def test_a_book_is_no_difference_where_its_voice_is_one() -> None:
    for asked in (identity(NOBODY), identity("key-1", epoch=2)):
        assert differ(asked, identity("books:1:0", speaker="shubh", rate=24000)) == [["speaker"]]
        assert differ(asked, identity("books", speaker="shubh", rate=24000))[0][-2:] == [
            "speaker",
            "rate",
        ]
        (gone,) = near(asked, kept(identity("books:1:0")))
        assert gone.differs == (Difference("namespace", asked.namespace or None, "books"),)


def test_generations_and_takes_of_one_phrase_are_told_once_by_the_newest() -> None:
    (found,) = near(
        identity("books:3:0", pace=0.8),
        kept(identity("books:1:0"), identity("books:2:1"), identity("books:2:0")),
    )
    assert found.namespace == "books:2:0"
