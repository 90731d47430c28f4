"""From settings to the values that rooms take: what can't be used is said before anything starts."""

from collections.abc import Collection
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ..config import ConfigError, Settings
from ..core.turn import Cuts
from ..core.voice import Voice
from ..downstream import terms
from ..downstream.terms import TenantsError
from ..phrases.cron import Cron
from ..phrases.library import Library
from ..sarvam import fields, models
from ..sarvam.refusals import Refused
from ..upstream.pools import Account


def check(settings: Settings) -> Library:
    """Validate what can be without starting anything. Raises ConfigError, or BookErrors."""
    own_account(settings)
    cuts(settings)
    night_times(settings)
    prewarm_voices(settings)
    names: Collection[str] | None = None
    if settings.auth.tenants is not None:
        try:
            names = terms.read(settings.auth.tenants).keys()
        except TenantsError as error:
            raise ConfigError(str(error)) from error
    return _library(settings, names)


def own_account(settings: Settings) -> Account:
    """Who pays for what is no client's own. Raises ConfigError where somebody has to and nobody can."""
    key = settings.origin.api_key
    if key is not None:
        return Account("own", key.get_secret_value(), own=True)
    ours = settings.phrases.directory is not None or settings.origin.prewarm_voices
    if settings.auth.mode == "passthrough" and not ours:
        return Account("own", "", own=True)  # never used: clients pay for all there is
    raise ConfigError(
        "origin.api_key: no Sarvam key; set SARVAM_API_KEY (any word will do for the emulator)"
    )


def night_times(settings: Settings) -> tuple[Cron, ZoneInfo]:
    """When the night begins. Raises ConfigError."""
    phrases = settings.phrases
    try:
        when = Cron.parse(phrases.night)
    except ValueError as error:
        raise ConfigError(f"phrases.night = {phrases.night!r}: {error}") from error
    try:
        return when, ZoneInfo(phrases.time_zone)
    except (ValueError, ZoneInfoNotFoundError) as error:
        raise ConfigError(
            f"phrases.time_zone = {phrases.time_zone!r}: there is no such zone; one like Asia/Kolkata"
        ) from error


def cuts(settings: Settings) -> Cuts:
    """The settings of the splitter."""
    turn = settings.turn
    try:
        return Cuts(
            min_segment_chars=turn.min_segment_chars,
            clause_chars=turn.clause_chars,
            first_clause_chars=turn.first_clause_chars,
            max_segment_chars=turn.max_segment_chars,
        )
    except ValueError as error:
        raise ConfigError(f"turn: {error}") from error


def load_library(settings: Settings) -> Library:
    """The phrase books, or an empty library where no folder is named."""
    return _library(settings, _tenant_names(settings))


def _library(settings: Settings, names: Collection[str] | None) -> Library:
    directory = settings.phrases.directory
    if directory is None:
        return Library.empty()
    if not directory.is_dir():
        raise ConfigError(f"phrases.directory = {directory}: there is no such folder")
    return Library.load(directory, cuts(settings), tenants=names)


def _tenant_names(settings: Settings) -> Collection[str] | None:
    """Who books may be for; None where nobody knows."""
    if settings.auth.tenants is None:
        return None
    try:
        return terms.read(settings.auth.tenants).keys()
    except TenantsError:
        return None  # a file that was spoilt while we run: whoever follows it says so


def prewarm_voices(settings: Settings) -> list[Voice]:
    """The voices of ``origin.prewarm_voices``."""
    voices = []
    for number, given in enumerate(settings.origin.prewarm_voices):
        try:
            read = fields.read(given, rates=models.WS_RATES)
            fields.require(read, "language", "speaker")
            audible = models.audible(read)
            models.check_ranges(audible["model"], read)
        except Refused as error:
            raise ConfigError(f"origin.prewarm_voices[{number}]: {error}") from error
        voices.append(Voice(audible))
    return voices
