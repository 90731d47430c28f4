"""How much of each tenant's month is spent: characters asked of the origin, kept over restarts.

Counted in memory, where nothing can come between the look and the spending, so that any number of misses at
once stay within a cap. The file is written ahead: it says more than was spent, by up to a hundredth of
the cap (10,000 characters at the most), and is written again before that is used up. So a ``kill -9`` costs
a tenant no more than that of its month, and never lets it pass its cap, but for what was spent while a
write was on its way to the disk. A stop writes what was spent, exactly.

The month is the calendar's, in UTC. Each proxy (each data directory) keeps its own.
"""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Self

import orjson

from ..cache import durable
from ..core.events import Emit, StoreFailed, ignore

_FORM: Final = 1
_MOST_AHEAD: Final = 10_000
_AGAIN_S: Final = 1.0


class DamagedLedger(ValueError):
    """The file is not what was written; the text says what to do."""


class Ledger:
    """Mutable state: what is spent this month, and what the file says of it."""

    def __init__(
        self,
        file: Path,
        *,
        month: str,
        spent: dict[str, int],
        now: Callable[[], datetime],
        emit: Emit,
    ) -> None:
        self._file = file
        self._month = month
        self._spent = spent
        self._written = dict(spent)
        self._caps: dict[str, int | None] = {}
        """Of those who have spent since the start: the others' figures need no room ahead."""
        self._now = now
        self._emit = emit
        self._due = asyncio.Event()
        self._saving = asyncio.Lock()

    @classmethod
    def open(
        cls,
        file: Path,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        emit: Emit = ignore,
    ) -> Self:
        """What ``file`` says, or a month with nothing spent. Blocks; raises DamagedLedger, OSError."""
        try:
            found = orjson.loads(file.read_bytes())
            month, spent = found["month"], found["spent"]
            if found["form"] != _FORM or not all(isinstance(n, int) for n in spent.values()):
                raise ValueError
        except FileNotFoundError:
            month, spent = "", {}
        except (AttributeError, KeyError, TypeError, ValueError):
            # To begin at nothing would be to give every tenant its month again.
            raise DamagedLedger(
                f"{file} is damaged: it held what each tenant has spent this month; "
                "remove it to begin the month anew"
            ) from None
        return cls(file, month=month, spent=spent, now=now, emit=emit)

    def spent(self, tenant: str) -> int:
        """Characters of this month."""
        self._turn_the_page()
        return self._spent.get(tenant, 0)

    def spend(self, tenant: str, characters: int, *, cap: int | None) -> bool:
        """Count ``characters``; False where they would pass ``cap``, and are not counted."""
        spent = self.spent(tenant) + characters
        if cap is not None and spent > cap:
            return False
        self._spent[tenant] = spent
        self._caps[tenant] = cap
        if spent + self._ahead(tenant) // 2 > self._written.get(tenant, 0):
            self._due.set()
        return True

    def give_back(self, tenant: str, characters: int) -> None:
        """They were not asked for after all."""
        self._spent[tenant] = max(0, self.spent(tenant) - characters)

    def renewed(self) -> datetime:
        """When the next month begins."""
        today = self._now().astimezone(UTC).date().replace(day=1)
        year, month = (today.year + today.month // 12, today.month % 12 + 1)
        return datetime(year, month, 1, tzinfo=UTC)

    async def keep_saved(self) -> None:
        """Write ahead of what is spent, for as long as this is not cancelled."""
        while True:
            await self._due.wait()
            self._due.clear()
            if not await self._save(exact=False):
                await asyncio.sleep(_AGAIN_S)
                self._due.set()

    async def save(self) -> None:
        """Write what is spent, and no more: nothing will be spent after."""
        if self._spent or self._written:
            await self._save(exact=True)

    async def _save(self, *, exact: bool) -> bool:
        async with self._saving:
            self._turn_the_page()
            month = self._month
            said = {
                tenant: spent + (0 if exact else self._ahead(tenant))
                for tenant, spent in self._spent.items()
            }
            data = orjson.dumps({"form": _FORM, "month": month, "spent": said})
            try:
                await asyncio.to_thread(durable.replace, self._file, data)
            except OSError as error:
                self._emit(StoreFailed("save the month", f"{type(error).__name__}: {error}"))
                return False
            if month == self._month:
                self._written = said
            return True

    def _ahead(self, tenant: str) -> int:
        if tenant not in self._caps:
            return 0
        cap = self._caps[tenant]
        return _MOST_AHEAD if cap is None else min(_MOST_AHEAD, cap // 100)

    def _turn_the_page(self) -> None:
        month = self._now().astimezone(UTC).strftime("%Y-%m")
        # Never back: a clock that is put right must not give a month away twice.
        if month > self._month:
            self._month, self._spent, self._written = month, {}, {}
