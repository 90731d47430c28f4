"""Whether a text would be a hit, held against what becomes of it: a proxy, its books, an emulator."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from edgeproxy.app import Proxy
from edgeproxy.cache.disk import Disk
from edgeproxy.cache.purge import Scope
from edgeproxy.core.events import Event
from edgeproxy.core.key import Identity
from edgeproxy.emulator.server import Emulator
from edgeproxy.operate.explanation import BadQuestion, Explanation, Question, Segment, Verdict
from edgeproxy.phrases.nearest import Difference
from edgeproxy.speech import Mode

from ..conftest import KEY, StartProxy, landed, made, proxy_mode, until
from ..wire import CONFIG, talk

RITU = {"target_language_code": "en-IN", "speaker": "ritu"}
HELLO = "नमस्ते, आप कैसे हैं?"
GREETINGS = """
languages: [en-IN]
voice: {model: "bulbul:v3", speaker: ritu}
sample_rates: [8000]
phrases:
  greeting: Good morning, thank you for calling Asha Clinic.
  hold:
    en-IN: One moment, please.
    takes: 2
  chance:
    en-IN: Let me have a look.
    pin: false
"""


async def say(proxy: Proxy, text: str, *, key: str = KEY, **voice: Any) -> list[str]:
    """The verdicts of a turn."""
    async with talk(proxy.url, key=key) as client:
        await client.config(**voice)
        verdicts = (await client.say(text)).verdicts
    await landed(proxy)
    return verdicts


async def explain(proxy: Proxy, text: str, **said: Any) -> Explanation:
    """The explanation of what :func:`say` says."""
    return await proxy.explainer.explain(Question.read({"text": text, **CONFIG, **said}))


async def one(proxy: Proxy, text: str, **said: Any) -> Segment:
    (segment,) = (await explain(proxy, text, **said)).segments
    return segment


async def age(proxy: Proxy, text: str, *, by_s: float) -> None:
    """Have what is kept of a text be older, and no longer in memory."""
    kept = await proxy.store.variants(text)
    assert kept
    for identity in kept:
        record = await proxy.store.get(identity)
        assert record is not None
        older = replace(record, made=record.made - timedelta(seconds=by_s))
        assert await proxy.store.put(identity, older)
        proxy.speech.forget(identity)


def write(folder: Path, **books: str) -> dict[str, Any]:
    """The ``phrases`` room of a proxy with these books."""
    folder.mkdir(exist_ok=True)
    for name, book in books.items():
        (folder / f"{name}.yaml").write_text(book, encoding="utf-8")
    return {"directory": folder}


# -- what is kept ------------------------------------------------------------------------------------


async def test_first_a_miss_then_a_hit_in_memory_then_on_disk_for_whose_it_is(
    start_proxy: StartProxy,
) -> None:
    async with start_proxy() as proxy:
        before = await one(proxy, HELLO)
        assert (before.verdict, before.key, before.record) == (Verdict.MISS, None, None)
        assert before.why == ("Nothing is kept of this text.",)
        assert await say(proxy, HELLO) == ["miss"]
        hit = await one(proxy, HELLO)
        assert hit.verdict is Verdict.HIT_MEMORY
        assert hit.record is not None
        namespace = hit.record.namespace
        assert namespace.startswith("key-")
        assert any(f"for the clients of {namespace}; others" in why for why in hit.why)
        assert hit.record.kept == "for now"
        assert hit.record.seconds > 0.5
    async with start_proxy() as proxy:
        hit = await one(proxy, HELLO, namespace=namespace)
        assert hit.verdict is Verdict.HIT_DISK
        assert hit.identity["namespace"] == namespace
        assert hit.why[0].startswith("It was said before, and is fresh until 20")
        (key,) = {each.key for each in await variants(proxy, HELLO)}
        assert hit.key == hit.record.key == key  # type: ignore[union-attr]
        # The question was none of its uses.
        assert (await one(proxy, HELLO)).verdict is Verdict.HIT_DISK
        assert await say(proxy, HELLO) == ["hit-disk"]


async def variants(proxy: Proxy, text: str) -> list[Identity]:
    found = await proxy.store.variants(text)
    assert found is not None
    return list(found)


async def test_what_another_client_has_said_is_near_and_no_hit(proxy: Proxy) -> None:
    for key in ("one", "other"):
        await say(proxy, HELLO, key=key)
    spaces = sorted(each.namespace for each in await variants(proxy, HELLO))
    segment = await one(proxy, HELLO, namespace="key-0")
    assert segment.verdict is Verdict.MISS
    assert segment.record is None
    assert sorted(near.namespace for near in segment.near) == spaces
    for near in segment.near:
        assert near.differs == (Difference("namespace", "key-0", near.namespace),)
    assert "only for the clients of key-" in segment.why[0]
    hit = await one(proxy, HELLO)
    assert hit.verdict is Verdict.HIT_MEMORY
    assert all(space in hit.why[-1] for space in spaces)


async def test_the_same_text_at_another_pace_is_told_by_the_field(proxy: Proxy) -> None:
    await say(proxy, HELLO, pace=0.8)
    await say(proxy, HELLO, pace=0.8, speaker="ritu", temperature=0.3)
    segment = await one(proxy, HELLO)
    assert segment.verdict is Verdict.MISS
    assert [near.differs for near in segment.near] == [
        (Difference("pace", 1.0, 0.8),),
        (
            Difference("speaker", "shubh", "ritu"),
            Difference("pace", 1.0, 0.8),
            Difference("temperature", 0.6, 0.3),
        ),
    ]
    assert segment.why == ("The same text is kept with pace 0.8 instead of 1.0.",)
    assert await say(proxy, HELLO) == ["miss"]


async def test_an_epoch_that_was_raised_is_told(start_proxy: StartProxy) -> None:
    async with start_proxy() as proxy:
        await say(proxy, HELLO)
    async with start_proxy(cache={"epochs": {"bulbul:v3/shubh": 2}}) as proxy:
        segment = await one(proxy, HELLO)
        assert segment.identity["epoch"] == 2
        assert [near.differs for near in segment.near] == [(Difference("epoch", 2, 0),)]
        assert await say(proxy, HELLO) == ["miss"]


async def test_what_was_purged_says_so_until_somebody_asks_again(proxy: Proxy) -> None:
    await say(proxy, HELLO)
    await proxy.purging.purge(Scope(text=HELLO), soft=False)
    segment = await one(proxy, HELLO)
    assert (segment.verdict, segment.record) == (Verdict.MISS, None)
    assert segment.why[0].startswith("Whatever was kept of it was purged on 20")
    assert await say(proxy, HELLO) == ["miss"]
    assert (await one(proxy, HELLO)).verdict is Verdict.HIT_MEMORY
    await proxy.purging.purge(Scope(text=HELLO), soft=True)
    segment = await one(proxy, HELLO)
    assert segment.verdict is Verdict.STALE
    assert segment.why[0].startswith("A purge made it stale on ")
    assert await say(proxy, HELLO) == ["stale"]


@pytest.mark.parametrize(
    ("by_s", "verdict", "why"),
    [
        (50.0, Verdict.HIT_DISK, "It was said before, and is fresh until"),
        (150.0, Verdict.STALE, "heard at once, and made anew behind the caller"),
        (250.0, Verdict.MISS, "heard only if the origin can't be had"),
        (1250.0, Verdict.MISS, "too old to be heard"),
        (-1250.0, Verdict.STALE, "Its date lies in the future"),
    ],
)
async def test_how_old_it_is_decides(
    start_proxy: StartProxy, by_s: float, verdict: Verdict, why: str
) -> None:
    rule = {"ttl_s": 100, "stale_s": 100, "stale_if_error_s": 1000}
    async with start_proxy(cache=rule) as proxy:
        await say(proxy, HELLO)
        await age(proxy, HELLO, by_s=by_s)
        segment = await one(proxy, HELLO)
        assert segment.verdict is verdict
        assert why in segment.why[0]
        assert segment.record is not None
        assert abs(segment.record.age_s - by_s) < 30
        assert await say(proxy, HELLO) == [verdict.value]


async def test_what_is_too_long_or_personal_will_not_be_kept_either(
    start_proxy: StartProxy,
) -> None:
    async with start_proxy(cache={"characters_kept": 30, "asks_until_kept": 3}) as proxy:
        for text, why in (
            ("यह तीस अक्षरों से बहुत ज़्यादा लंबा वाक्य है।", "over 30 (`cache.characters_kept`)"),
            ("आपका कोड 98765 है।", "looks personal"),
            ("फिर मिलेंगे।", "asked for it 3 times (`cache.asks_until_kept`)"),
        ):
            segment = await one(proxy, text)
            assert segment.why[0] == "Nothing is kept of this text."
            assert why in segment.why[1]
            assert await say(proxy, text) == ["miss"]
            assert (await one(proxy, text)).verdict is Verdict.MISS


async def test_a_cache_that_is_off_is_told(start_proxy: StartProxy) -> None:
    async with start_proxy() as proxy:
        await say(proxy, HELLO)
        for mode, said in ((Mode.OFF, "is off: the origin is"), (Mode.SHADOW, "in its shadow")):
            proxy.speech.mode = mode
            segment = await one(proxy, HELLO)
            assert segment.verdict is Verdict.HIT_MEMORY
            assert said in segment.why[0]
            assert await say(proxy, HELLO) == ["bypass"]


async def test_an_emoji_alone_is_a_pause(proxy: Proxy) -> None:
    segment = await one(proxy, "🙏")
    assert segment.verdict is Verdict.PAUSE
    assert segment.why[0].startswith("There is nothing in it to be heard")
    assert await say(proxy, "🙏") == ["pause"]


async def test_of_three_sentences_the_one_that_misses_is_named(
    proxy: Proxy, emulator: Emulator
) -> None:
    for text in ("पहला वाक्य यह है।", "तीसरा वाक्य यह है।"):
        await say(proxy, text)
    text = "पहला  वाक्य यह है। दूसरा वाक्य यह है। तीसरा वाक्य यह है।"
    explanation = await explain(proxy, text)
    assert [(each.text, each.verdict) for each in explanation.segments] == [
        ("पहला वाक्य यह है।", Verdict.HIT_MEMORY),
        ("दूसरा वाक्य यह है।", Verdict.MISS),
        ("तीसरा वाक्य यह है।", Verdict.HIT_MEMORY),
    ]
    assert emulator.counters.flushes == 2
    assert explanation.text == text
    assert explanation.voice["speaker"] == "shubh"
    assert await say(proxy, text) == ["hit-memory", "miss", "hit-memory"]
    # As the admin API will send it.
    sent = orjson.loads(orjson.dumps(explanation))
    assert sent["segments"][0]["verdict"] == "hit-memory"
    assert sent["segments"][1]["identity"]["namespace"] is None


async def test_a_disk_that_fails_is_told(proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    await say(proxy, HELLO)
    for identity in await variants(proxy, HELLO):
        proxy.speech.forget(identity)
    with monkeypatch.context() as patched:
        patched.setattr(Disk, "head", bad_sector)
        segment = await one(proxy, HELLO)
    assert segment.verdict is Verdict.MISS
    assert segment.why == ("The disk does not answer, so what is kept of it is not known.",)


def bad_sector(*_: object) -> bytes:
    raise OSError(5, "Input/output error")


# -- what the books say ------------------------------------------------------------------------------


async def test_a_phrase_is_a_hit_for_everybody_at_every_rate(
    start_proxy: StartProxy, facts: list[Event], tmp_path: Path
) -> None:
    async with start_proxy(phrases=write(tmp_path / "books", desk=GREETINGS)) as proxy:
        await until(lambda: made(facts) == 2)
        text = "Good morning, thank you for calling Asha Clinic."
        segment = await one(proxy, text, **RITU)
        assert segment.verdict in (Verdict.HIT_MEMORY, Verdict.HIT_DISK)
        assert (segment.book, segment.phrase) == ("desk/greeting", None)
        assert segment.identity["namespace"] == "books:1:0"
        assert segment.record is not None
        assert segment.record.kept == "for good"
        assert segment.why == ("The book says it: desk/greeting, generation 1.",)
        derived = await one(proxy, text, **RITU | {"speech_sample_rate": 16000})
        assert derived.verdict is Verdict.HIT_DISK
        assert "recording at 8000 Hz" in derived.why[-1]
        assert (await say(proxy, text, **RITU, speech_sample_rate=16000)) == ["hit-disk"]


async def test_the_takes_of_a_phrase_are_told_and_which_are_lost(
    start_proxy: StartProxy, facts: list[Event], tmp_path: Path
) -> None:
    async with start_proxy(phrases=write(tmp_path / "books", desk=GREETINGS)) as proxy:
        await until(lambda: made(facts) == 2)
        segment = await one(proxy, "One moment, please.", **RITU)
        assert segment.book == "desk/hold"
        assert segment.why[1:] == ("Its 2 recordings take turns; this is the first.",)
        first, second = sorted(
            await variants(proxy, "One moment, please."), key=lambda each: each.namespace
        )
        await proxy.store.remove(second.key)
        segment = await one(proxy, "One moment, please.", **RITU)
        assert segment.why[2].startswith("1 of them can't be found")
        await proxy.store.remove(first.key)
        proxy.speech.forget(first)
        segment = await one(proxy, "One moment, please.", **RITU)
        assert segment.verdict is Verdict.MISS
        assert "phrases build --only desk/hold" in segment.why[1]


async def test_a_phrase_that_is_not_made_yet_names_what_makes_it(
    start_proxy: StartProxy, tmp_path: Path
) -> None:
    books = write(tmp_path / "books", desk=GREETINGS) | {"characters_at_once": 0}
    async with start_proxy(phrases=books) as proxy:
        text = "Good morning, thank you for calling Asha Clinic."
        segment = await one(proxy, text, **RITU)
        assert (segment.verdict, segment.book) == (Verdict.MISS, "desk/greeting")
        assert "not made yet: `edgeproxy phrases build --only desk/greeting`" in segment.why[0]
        assert await say(proxy, text, **RITU) == ["miss"]
        segment = await one(proxy, text, **RITU)
        assert (segment.verdict, segment.identity["namespace"]) == (Verdict.HIT_MEMORY, "books")


async def test_a_comma_that_differs_is_named_with_the_phrase_that_was_meant(
    start_proxy: StartProxy, facts: list[Event], tmp_path: Path
) -> None:
    async with start_proxy(phrases=write(tmp_path / "books", desk=GREETINGS)) as proxy:
        await until(lambda: made(facts) == 2)
        segment = await one(proxy, "Good morning thank you for calling Asha Clinic.", **RITU)
        assert segment.verdict is Verdict.MISS
        phrase = segment.phrase
        assert phrase is not None
        assert (phrase.name, phrase.language, phrase.speaker) == ("desk/greeting", "en-IN", "ritu")
        assert phrase.text == "Good morning, thank you for calling Asha Clinic."
        assert (phrase.same, phrase.asked[:6], phrase.written[:7]) == (
            "Good morning",
            " thank",
            ", thank",
        )
        assert phrase.differs == ()
        assert "only capitals, punctuation or white space differ" in segment.why[1]
        close = await one(proxy, "Good morning, thanks for calling Asha Clinic!", **RITU)
        assert close.why[1] == (
            "desk/greeting is close: behind “Good morning, thank” the book goes on "
            "“ you for calling Asha Clinic.”, this text “s for calling Asha Clinic!”."
        )
        other = await one(proxy, "We open on Monday at nine.", **RITU)
        assert other.phrase is None


async def test_a_voice_that_is_not_the_books_is_named_by_its_field(
    start_proxy: StartProxy, facts: list[Event], tmp_path: Path
) -> None:
    async with start_proxy(phrases=write(tmp_path / "books", desk=GREETINGS)) as proxy:
        await until(lambda: made(facts) == 2)
        asked = {**RITU, "speaker": "shubh", "speech_sample_rate": 24000}
        segment = await one(proxy, "Good morning, thank you for calling Asha Clinic.", **asked)
        assert (segment.verdict, segment.book) == (Verdict.MISS, None)
        assert segment.phrase is not None
        assert segment.phrase.differs == (Difference("speaker", "shubh", "ritu"),)
        assert (segment.phrase.asked, segment.phrase.written) == ("", "")
        assert segment.why[-2:] == (
            "desk/greeting says exactly this, but with speaker ritu instead of shubh.",
            "Ask for the book's voice, or write yours in the book.",
        )
        chance = await one(proxy, "Let me have a look.", **RITU)
        assert chance.verdict is Verdict.MISS
        assert "says exactly this, but with `pin: false`" in chance.why[-1]


async def test_a_tenants_book_is_heard_by_its_tenants_alone(
    start_proxy: StartProxy, facts: list[Event], tmp_path: Path
) -> None:
    auth = proxy_mode(
        tmp_path,
        acme={"tokens": ["a"], "voices": ["ritu"]},
        asha={"tokens": ["b"], "namespace": "clinics"},
    )
    books = write(tmp_path / "books", acme=f"tenants: [acme]\n{GREETINGS}")
    text = "Good morning, thank you for calling Asha Clinic."
    async with start_proxy(auth=auth, phrases=books) as proxy:
        await until(lambda: made(facts) == 2)
        for whose in ({"tenant": "acme"}, {"namespace": "tenant-acme"}):
            segment = await one(proxy, text, **RITU, **whose)
            assert segment.verdict in (Verdict.HIT_MEMORY, Verdict.HIT_DISK)
            assert (segment.book, segment.identity["namespace"]) == (
                "acme/greeting",
                "book-acme:1:0",
            )
        for whose in ({"tenant": "asha"}, {}):
            segment = await one(proxy, text, **RITU, **whose)
            assert segment.verdict is Verdict.MISS
            assert segment.why[-1] == "acme/greeting says exactly this, but for acme alone."
        assert await say(proxy, text, key="b", **RITU) == ["miss"]
        shared = await one(proxy, text, **RITU, tenant="asha")
        assert (shared.verdict, shared.identity["namespace"]) == (
            Verdict.HIT_MEMORY,
            "shared-clinics",
        )
        for whose, said in (
            ({"tenant": "bolna"}, "no tenant `bolna`; there are acme, asha"),
            ({"tenant": "acme", "speaker": "shubh"}, "ritu"),
        ):
            with pytest.raises(BadQuestion, match=said):
                await one(proxy, text, **RITU | whose)


async def test_without_tenants_there_is_none_to_name(proxy: Proxy) -> None:
    with pytest.raises(BadQuestion, match="there are no tenants: auth"):
        await one(proxy, HELLO, tenant="acme")
