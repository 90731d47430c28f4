"""The doors: who lets clients in and who pays for them, what they may ask for, and where they come in."""

import asyncio
from collections.abc import Mapping
from concurrent.futures import Executor
from typing import Final

from aiohttp import web

from ..cache.purge import Scope
from ..config import ConfigError, Settings
from ..config.doors import Auth
from ..core.events import Emit
from ..core.key import Epochs
from ..downstream import terms
from ..downstream.asking import TurnSettings
from ..downstream.auth import Client, Keeper, Open
from ..downstream.ledger import DamagedLedger, Ledger
from ..downstream.limits import ConnectionLimits, Gate
from ..downstream.passthrough import PassingDoor, PassingLimits
from ..downstream.proof import PROVEN_S, Passthrough
from ..downstream.proofs import Proofs
from ..downstream.routes import DoorLimits, Doors
from ..downstream.tenants import Tenants
from ..downstream.terms import TenantsError, Terms
from ..openai.voices import Voices
from ..operate.explain import Asking, Explainer
from ..operate.explanation import NOBODY, BadQuestion, Question
from ..sarvam.refusals import Refused
from ..upstream.pools import Account
from ..upstream.relay import Relay
from .rooms import Workshop
from .values import cuts

_PROOFS_KEPT: Final = 10_000


def make_keeper(shop: Workshop, emit: Emit) -> tuple[Keeper, Ledger | None]:
    """Who lets clients in, and what tenants have spent, where there are any. Blocks."""
    auth = shop.settings.auth
    if auth.tenants is not None:
        try:
            ledger = Ledger.open(shop.settings.cache.data_dir / "months.json", emit=emit)
            tenants = Tenants(auth.tenants, account=shop.account, ledger=ledger, emit=emit)
        except (TenantsError, DamagedLedger) as error:
            raise ConfigError(str(error)) from error
        return tenants, ledger
    if auth.mode == "passthrough":
        allowed = {digest for line in auth.allow if (digest := terms.digest_written(line))}
        proofs = Proofs(most=_PROOFS_KEPT, good_s=PROVEN_S, grace_s=auth.grace_s, emit=emit)
        proofs.load(shop.settings.cache.data_dir / "proofs.json")
        proof = Passthrough(
            shop.pools.prove,
            secret=shop.secret,
            allowed=allowed,
            proofs=proofs,
            probes_per_minute=auth.probes_per_minute,
            emit=emit,
        )
        return proof, None
    return Open(secret=shop.secret, account=shop.account), None


def tenants_problem(keeper: Keeper) -> str | None:
    """Why the newest tenants file does not hold; None while it does, or there is none."""
    return keeper.problem if isinstance(keeper, Tenants) else None


def reload_tenants(keeper: Keeper) -> None:
    """Have the tenants file read again soon, if there is one."""
    if isinstance(keeper, Tenants):
        keeper.ask_reload()


def turn_settings(shop: Workshop) -> TurnSettings:
    """How text becomes asks, at every door."""
    settings = shop.settings
    turn = settings.turn
    return TurnSettings(
        cuts=cuts(settings),
        epochs=Epochs(settings.cache.epochs),
        generations=shop.generations,
        library=lambda: shop.library,
        account=shop.account,
        parallel_segments=turn.parallel_segments,
        hold_ms=turn.hold_ms,
        idle_text_ms=turn.idle_text_ms,
        trim_leading_silence_ms=turn.trim_leading_silence_ms,
        waiting_segments=turn.waiting_segments,
        deadline_s=settings.origin.turn_deadline_s,
    )


def make_explainer(shop: Workshop) -> Explainer:
    """Who tells why a text would be a hit or not."""
    auth, settings = shop.settings.auth, turn_settings(shop)

    async def asks(question: Question) -> Asking:
        client = await asyncio.to_thread(_client_of, question, auth, shop.account)
        return Asking(settings.asks(client, question.voice, question.text), client.tenant)

    return Explainer(
        asks,
        speech=shop.speech,
        store=shop.store,
        generations=shop.generations,
        library=lambda: shop.library,
    )


def _client_of(question: Question, auth: Auth, account: Account) -> Client:
    """Whoever asks it, by what is said of them. Blocks to read the tenants file."""
    name, namespace = question.tenant, question.namespace
    if name is not None:
        agreed = _tenants(auth)
        if name not in agreed:
            listed = ", ".join(sorted(agreed)) or "none"
            raise BadQuestion(f"there is no tenant `{name}`; there are {listed}")
        try:
            agreed[name].check_voice(question.voice.fields)
        except Refused as error:
            raise BadQuestion(f"{name}: {error}") from None
        return Client(agreed[name].space_of(name), account, name)
    if namespace is None:
        return Client(NOBODY, account)
    if auth.mode == "passthrough":  # there every key is a tenant of that name
        return Client(namespace, account, namespace)
    # A shared one does not tell whose books its clients hear.
    return Client(namespace, account, terms.tenant_of(namespace))


def _tenants(auth: Auth) -> Mapping[str, Terms]:
    if auth.tenants is None:
        raise BadQuestion(
            f"there are no tenants: auth.mode is {auth.mode}; `namespace` says whose client asks"
        )
    try:
        return terms.read(auth.tenants)
    except TenantsError as error:
        raise BadQuestion(str(error)) from None


def make_doors(shop: Workshop, keeper: Keeper, executor: Executor, emit: Emit) -> Doors:
    settings = shop.settings
    return Doors(
        keeper=keeper,
        speech=shop.speech,
        settings=turn_settings(shop),
        limits=DoorLimits(
            message_bytes=settings.server.message_bytes,
            body_timeout_s=settings.server.body_timeout_s,
            idle_s=settings.server.idle_s,
            drain_s=settings.server.drain_s,
        ),
        voices=Voices(language=settings.openai.language, named=settings.openai.voices),
        executor=executor,
        emit=emit,
    )


def make_passing(shop: Workshop, keeper: Keeper, emit: Emit) -> PassingDoor | None:
    """The door of all that is not speech, if there is to be one."""
    settings, own = shop.settings, shop.account
    passthrough = settings.passthrough
    if not passthrough.enabled:
        return None

    async def forget(client: Client, dict_id: str) -> None:
        # Whoever uses our account uses its dictionaries, the books first of all.
        shared = client.account.key == own.key
        namespace = None if shared else client.namespace
        scope = Scope(voice={"dict_id": dict_id}, namespace=namespace)
        await shop.purging.purge(scope, soft=False)

    return PassingDoor(
        keeper=keeper,
        relay=Relay(
            settings.origin.url,
            connect_timeout_s=settings.origin.connect_timeout_s,
            message_bytes=passthrough.message_bytes,
        ),
        origin=settings.origin.url,
        forget=forget,
        limits=PassingLimits(
            body_bytes=passthrough.body_bytes,
            message_bytes=passthrough.message_bytes,
            silence_s=passthrough.silence_s,
            drain_s=settings.server.drain_s,
        ),
        emit=emit,
    )


def make_gate(runner: web.AppRunner, settings: Settings, emit: Emit) -> Gate:
    server = settings.server
    assert runner.server is not None
    return Gate(
        runner.server,
        limits=ConnectionLimits(
            connections=server.connections,
            connections_per_address=server.connections_per_address,
            header_timeout_s=server.header_timeout_s,
            header_bytes=server.header_bytes,
            body_timeout_s=server.body_timeout_s,
            idle_s=server.idle_s,
            unread_timeout_s=server.unread_timeout_s,
        ),
        emit=emit,
    )
