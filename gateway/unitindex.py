"""The registry while the gateway runs: taken over from its file, indexed, indexed anew when it changes."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

import structlog

from gateway.errors import BadInput, MissingInput
from gateway.interpreter import Knowledge
from gateway.model import Unit
from gateway.station import newer_units_file
from gateway.store.store import Store

log = structlog.get_logger()


class UnitIndex:
    """What the gateway knows of its units. On one asyncio loop: `take_over`, then `refresh` at any time.

    Indexing takes 0.2 s for 2,702 units and 2 s for ten times as many, in a thread; what is heard meanwhile
    waits for it as it waits for the speech model.
    """

    def __init__(
        self,
        store: Store,
        csv: Path,
        build: Callable[[Sequence[Unit]], Knowledge],
        on_fault: Callable[[str, str, str], None],
    ) -> None:
        """Wire it up. `build` indexes units, in a thread; `on_fault` is told what is wrong with the file."""
        self._store = store
        self._csv = csv
        self._build = build
        self._on_fault = on_fault
        self._units: dict[str, Unit] = {}
        self._knowledge: Knowledge | None = None
        self._revision: int | None = None
        self._indexing = asyncio.Lock()

    async def take_over(self) -> int:
        """Take over the registry's file when it is another than last time; return how many units there are.

        A bad file changes nothing.

        Raises:
            BadInput, MissingInput: the file is bad, and there was no registry before.
        """
        known = await self._store.units_from()
        try:
            newer = await asyncio.to_thread(newer_units_file, self._csv, known)
        except (BadInput, MissingInput) as error:
            if known is None:
                raise
            self._on_fault("units", f"the registry stays as it was: {error}", "correct the file and restart")
        else:
            if newer is not None:
                await self._store.replace_units(*newer)
                log.info("units imported", count=len(newer[0]), file=newer[1].path)
        self._revision = await self._store.units_revision()
        self._units = {unit.unit_id: unit for unit in await self._store.units()}
        return len(self._units)

    async def refresh(self) -> None:
        """Index the registry when it has changed, by this process or by a command beside it."""
        async with self._indexing:
            revision = await self._store.units_revision()
            is_same = revision == self._revision
            if self._knowledge is not None and is_same:
                return
            units = list(self._units.values()) if is_same else await self._store.units()
            self._knowledge = await asyncio.to_thread(self._build, units)
            self._revision = revision
            self._units = {}

    @property
    def is_ready(self) -> bool:
        """Whether `knowledge` may be asked for."""
        return self._knowledge is not None

    def knowledge(self) -> Knowledge:
        """Return what to understand speech by, once the first `refresh` is over."""
        assert self._knowledge is not None
        return self._knowledge

    def find(self, unit_id: str) -> Unit | None:
        """Return a unit, None when there is none of that id; works before the first `refresh` too."""
        if self._knowledge is None:
            return self._units.get(unit_id)
        return self._knowledge.resolver.registry.get(unit_id)
