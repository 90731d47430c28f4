"""The doors: who lets clients in and who pays for them, what they may ask for, and where they come in."""

from concurrent.futures import Executor
from typing import Final

from aiohttp import web

from ..cache.purge import Scope
from ..config import ConfigError, Settings
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
from ..downstream.terms import TenantsError
from ..openai.voices import Voices
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


def make_doors(shop: Workshop, keeper: Keeper, executor: Executor, emit: Emit) -> Doors:
    settings = shop.settings
    turn = settings.turn
    return Doors(
        keeper=keeper,
        speech=shop.speech,
        settings=TurnSettings(
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
        ),
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
