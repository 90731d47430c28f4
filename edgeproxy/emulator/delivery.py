"""What a config or a request asks for, held against what the models allow: spoken how, sent how."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..sarvam import models, refusals
from ..sarvam.refusals import Refused
from .stage import Stage


@dataclass(frozen=True, slots=True)
class Delivery:
    """How a text is to be spoken and sent. ``rate`` in Hz; sizes in characters."""

    model: str
    language: str
    speaker: str
    rate: int
    pace: float
    pitch: float
    loudness: float
    codec: str
    bitrate: str
    min_buffer_size: int
    max_chunk_length: int

    @classmethod
    def parse(
        cls,
        fields: Mapping[str, Any],
        *,
        stage: Stage,
        model: str | None = None,
        codec: str = "mp3",
    ) -> "Delivery":
        """The delivery that canonical ``fields`` mean on this stage.

        ``model`` is the query's, which wins; ``codec`` is what the door sends when it is not told. Raises
        :class:`Refused` with Sarvam's words for what a model does not know or the account does not have.
        """
        model = model or fields.get("model") or stage.knobs.default_model
        known = _model(model, stage)
        language = fields.get("language", "en-IN")
        _check_language(language, known, stage)
        speaker = fields.get("speaker", known.default_speaker)
        if speaker not in known.speakers:
            raise Refused(refusals.speaker_mismatch(speaker, model, sorted(known.speakers)))
        models.check_ranges(model, fields)
        if fields.get("temperature", 0.0) > (ceiling := stage.knobs.temperature_ceiling):
            allowed = f"0.01 to {ceiling}"
            raise Refused(refusals.schema("temperature", fields["temperature"], allowed=allowed))
        codec = fields.get("output_audio_codec", codec)
        if codec not in stage.knobs.codecs:
            # The text is a guess; that all schema errors have one and the same is not.
            raise Refused(
                refusals.schema(
                    "output_audio_codec", codec, allowed=", ".join(sorted(stage.knobs.codecs))
                )
            )
        pitch, loudness = fields.get("pitch", 0.0), fields.get("loudness", 1.0)
        if known.ignored_if:
            _check_neutral(fields, known, stage)
            pitch, loudness = 0.0, 1.0
        return cls(
            model=model,
            language=language,
            speaker=speaker,
            rate=fields.get("speech_sample_rate", stage.knobs.default_rate),
            pace=fields.get("pace", 1.0),
            pitch=pitch,
            loudness=loudness,
            codec=codec,
            bitrate=fields.get("output_audio_bitrate", "128k"),
            min_buffer_size=fields.get("min_buffer_size", 50),
            max_chunk_length=fields.get("max_chunk_length", 150),
        )


def _model(name: str, stage: Stage) -> models.Model:
    known = models.MODELS.get(name)
    if known is None:
        raise Refused(refusals.unknown_model(name, known=models.MODELS))
    if known.retired and not stage.v2_alive:
        successor = known.successor or models.DEFAULT_MODEL
        raise Refused(refusals.retired(name, successor=successor))
    return known


def _check_language(language: str, model: models.Model, stage: Stage) -> None:
    if language in model.languages:
        return
    if language in model.gated_languages:
        if stage.knobs.gated_languages:
            return
        raise Refused(refusals.gated_language(language))
    raise Refused(
        refusals.schema("language_code", language, allowed=", ".join(sorted(model.languages)))
    )


def _check_neutral(fields: Mapping[str, Any], model: models.Model, stage: Stage) -> None:
    if stage.knobs.v3_pitch_and_loudness == "ignored":
        return
    for name, neutral in model.ignored_if.items():
        if fields.get(name, neutral) != neutral:
            allowed = f"{neutral} for {model.name}"
            raise Refused(refusals.schema(name, fields[name], allowed=allowed))
