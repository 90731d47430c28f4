from typing import Any

import pytest

from edgeproxy.emulator import INSTANT, SEED, Clock, Knobs, Profile
from edgeproxy.emulator.delivery import Delivery
from edgeproxy.emulator.faults import Weather
from edgeproxy.emulator.speech import Speech
from edgeproxy.emulator.stage import Stage
from edgeproxy.sarvam.refusals import Refusal, Refused


def stage(*, profile: Profile = INSTANT, **knobs: Any) -> Stage:
    return Stage(
        profile=profile,
        weather=Weather(),
        knobs=Knobs(**knobs),
        clock=Clock(),
        speech=Speech(),
        seed=0,
        idle_s=60,
    )


def refusal(
    fields: dict[str, Any], *, on: Stage | None = None, model: str | None = None
) -> Refusal:
    with pytest.raises(Refused) as caught:
        Delivery.parse({"language": "hi-IN", **fields}, stage=on or stage(), model=model)
    return caught.value.refusal


def test_what_is_not_said_is_sarvams_default() -> None:
    delivery = Delivery.parse({"language": "hi-IN"}, stage=stage())
    assert (delivery.model, delivery.speaker, delivery.rate) == ("bulbul:v3", "shubh", 22050)
    assert (delivery.codec, delivery.bitrate) == ("mp3", "128k")
    assert (delivery.min_buffer_size, delivery.max_chunk_length) == (50, 150)


def test_defaults_that_are_disputed_are_knobs() -> None:
    on = stage(default_model="bulbul:v4-flash", default_rate=24000)
    delivery = Delivery.parse({}, stage=on, codec="wav")
    assert (delivery.model, delivery.rate, delivery.codec) == ("bulbul:v4-flash", 24000, "wav")


def test_the_querys_model_wins() -> None:
    fields = {"language": "hi-IN", "model": "bulbul:v3"}
    assert Delivery.parse(fields, stage=stage(), model="bulbul:v4-flash").model == "bulbul:v4-flash"


def test_a_speaker_of_another_model_is_refused_with_those_there_are() -> None:
    no = refusal({"speaker": "anushka"})
    assert no.message.startswith(
        "Speaker 'anushka' is not compatible with model bulbul:v3. Available speakers for bulbul:v3 are: "
    )
    assert "shubh" in no.message
    assert no.bare


def test_v2_is_retired_unless_it_is_kept_alive() -> None:
    v2 = {"model": "bulbul:v2", "speaker": "anushka", "language": "hi-IN"}
    no = refusal(v2)
    assert no.message == "Model 'bulbul:v2' has been deprecated. Please use 'bulbul:v3' instead."
    assert Delivery.parse(v2, stage=stage(v2_alive=True)).speaker == "anushka"
    assert Delivery.parse(v2, stage=stage(profile=SEED)).speaker == "anushka"
    assert refusal(v2, on=stage(profile=SEED, v2_alive=False)).status == 400


def test_an_unknown_model_is_refused_with_those_there_are() -> None:
    assert refusal({"model": "bulbul:v9"}).message.startswith(
        "Validation Error(s):\n- model: Input should be 'bulbul:v2', 'bulbul:v3-beta', "
    )


def test_gated_languages_are_refused_unless_the_account_has_them() -> None:
    no = refusal({"language": "ur-IN"})
    assert no.message == "Please request beta access to ur-IN by contacting our support team."
    has_them = stage(gated_languages=True)
    assert Delivery.parse({"language": "ur-IN"}, stage=has_them).language == "ur-IN"


def test_other_languages_break_the_schema() -> None:
    for language in ("or-IN", "fr-FR"):
        assert refusal({"language": language}).status == 422


def test_pitch_on_v3_is_ignored_or_refused_and_heard_on_v4() -> None:
    pitched = {"language": "hi-IN", "pitch": 0.3, "loudness": 1.5}
    ignored = Delivery.parse(pitched, stage=stage())
    assert (ignored.pitch, ignored.loudness) == (0.0, 1.0)
    strict = stage(v3_pitch_and_loudness="refused")
    assert refusal(pitched, on=strict).status == 422
    neutral = {"language": "hi-IN", "pitch": 0.0, "loudness": 1.0}
    assert Delivery.parse(neutral, stage=strict).pitch == 0.0
    heard = Delivery.parse(pitched, stage=strict, model="bulbul:v4-flash")
    assert (heard.pitch, heard.loudness) == (0.3, 1.5)


def test_numbers_out_of_range_are_refused_by_model() -> None:
    assert refusal({"pace": 2.5}).status == 422
    assert refusal({"temperature": 1.5}, on=stage(temperature_ceiling=1.0)).status == 422
    assert Delivery.parse({"temperature": 1.5, "pace": 2.0}, stage=stage()).pace == 2.0
