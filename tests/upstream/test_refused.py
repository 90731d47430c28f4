"""The same mistake twice asks the origin once."""

import pytest

from edgeproxy.core.voice import Voice
from edgeproxy.sarvam import refusals
from edgeproxy.sarvam.refusals import Refusal
from edgeproxy.upstream import refused
from edgeproxy.upstream.pools import Account
from edgeproxy.upstream.refused import Refusals
from edgeproxy.upstream.session import OriginRefused

ONE, TWO = Account("one", "k1"), Account("two", "k2")
VOICE = Voice({"model": "bulbul:v3", "language": "hi-IN", "speaker": "nobody", "rate": 8000})
OF_THE_VOICE = refusals.speaker_mismatch("nobody", "bulbul:v3", ["shubh"])
OF_THE_TEXT = refusals.malformed("something is odd")


def is_recalled(kept: Refusals, account: Account, text: str) -> bool:
    try:
        kept.recall(account, VOICE, text)
    except OriginRefused:
        return True
    return False


def test_what_names_the_voice_is_kept_for_every_text_of_it_and_of_this_account() -> None:
    kept = Refusals(kept_s=60)
    hinted = kept.remember(ONE, VOICE, "नमस्ते", OriginRefused(OF_THE_VOICE))
    assert hinted.refusal.message.startswith(OF_THE_VOICE.message)
    assert is_recalled(kept, ONE, "कुछ और")
    assert not is_recalled(kept, TWO, "नमस्ते")


def test_what_names_nothing_is_kept_for_its_text_alone() -> None:
    kept = Refusals(kept_s=60)
    kept.remember(ONE, VOICE, "नमस्ते", OriginRefused(OF_THE_TEXT))
    assert is_recalled(kept, ONE, "नमस्ते")
    assert not is_recalled(kept, ONE, "कुछ और")


@pytest.mark.parametrize("status", refused.OF_THE_KEY)
def test_what_is_about_the_key_is_not_kept(status: int) -> None:
    kept = Refusals(kept_s=60)
    kept.remember(ONE, VOICE, "नमस्ते", OriginRefused(Refusal(status, "no", "x")))
    assert not is_recalled(kept, ONE, "नमस्ते")


def test_it_is_kept_for_its_time_and_in_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    over = Refusals(kept_s=0)
    over.remember(ONE, VOICE, "नमस्ते", OriginRefused(OF_THE_TEXT))
    assert not is_recalled(over, ONE, "नमस्ते")
    monkeypatch.setattr(refused, "_MOST", 2)
    kept = Refusals(kept_s=60)
    for text in "abc":
        kept.remember(ONE, VOICE, text, OriginRefused(OF_THE_TEXT))
    assert [is_recalled(kept, ONE, text) for text in "abc"] == [False, True, True]
