"""What the gateway does for dispatchers: each command carried out on store, registry and conversations.

Everything here runs on the asyncio loop. A method either does what was asked, durably, and returns what the
answer says, or raises RefusedCommand and has changed nothing.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

from gateway.clock import Clock
from gateway.errors import BadInput
from gateway.events import CloudEvent
from gateway.model import Unit
from gateway.pipeline import RadioPipeline
from gateway.publish.commandport import Carry
from gateway.publish.commands import RefusedCommand
from gateway.publish.requests import IncidentAck, IncidentClose, Ping, Resync, UnitSet
from gateway.publish.resync import Replay
from gateway.store.logbook import Logbook
from gateway.store.registry import UnitState
from gateway.store.store import Store
from gateway.understand.conversation import Conversation
from gateway.understand.conversation import Heard as Conversed
from gateway.understand.registry import parse_units_csv, units_to_csv

ACTIONS = {"新增": "add", "编辑": "edit", "放假": "holiday", "停用": "disable", "启用": "activate"}
STATES: dict[str, UnitState] = {"holiday": "holiday", "disable": "disabled", "activate": "active"}
COLUMNS = {field.name for field in fields(Unit)} - {"unit_id"}


class Desk:
    """Carries out commands. `carriers` is what the command port wants."""

    def __init__(
        self,
        store: Store,
        pipelines: Mapping[str, RadioPipeline],
        replay: Replay,
        clock: Clock,
        version: str,
        *,
        reindex: Callable[[], Awaitable[None]],
        on_events: Callable[[list[CloudEvent]], None],
        republish_states: Callable[[], None],
    ) -> None:
        """Wire the desk up.

        Args:
            store: where units and events are.
            pipelines: each radio's, by its id; incidents live in their conversations.
            replay: sends events again.
            clock: dates what is changed here.
            version: what ping tells.
            reindex: makes the gateway listen by the registry as it now is.
            on_events: is told what was committed.
            republish_states: tells the broker every state document again.
        """
        self._store = store
        self._pipelines = pipelines
        self._replay = replay
        self._clock = clock
        self._version = version
        self._reindex = reindex
        self._on_events = on_events
        self._republish_states = republish_states

    @property
    def carriers(self) -> dict[str, Carry]:
        """What carries each command out."""
        return {
            "ping": self.ping,
            "unit-set": self.set_unit,
            "incident-ack": self.acknowledge,
            "incident-close": self.close,
            "resync": self.resync,
        }

    async def ping(self, _request: Ping) -> Mapping[str, Any]:
        """Say that the gateway is there, which version, and how far its events have come."""
        return {"version": self._version, "last_sequence": await self._store.last_sequence()}

    async def acknowledge(self, request: IncidentAck) -> Mapping[str, Any]:
        """Note on an incident that a dispatcher knows of it."""
        at = self._clock.now()
        return await self._amend(
            request.incident_id, lambda talk: talk.acknowledge(request.incident_id, at, request.by)
        )

    async def close(self, request: IncidentClose) -> Mapping[str, Any]:
        """End an incident."""
        at = self._clock.now()
        return await self._amend(
            request.incident_id,
            lambda talk: talk.close(request.incident_id, at, request.by, cancelled=request.cancelled),
        )

    async def _amend(self, incident_id: str, move: Callable[[Conversation], Conversed]) -> Mapping[str, Any]:
        pipeline = next((one for one in self._pipelines.values() if one.incident(incident_id)), None)
        if pipeline is None:
            raise RefusedCommand(
                "not_found", f"no incident {incident_id!r} is open here; see the retained state/incident/#"
            )
        events = await pipeline.amend(move, self._clock.now())
        self._on_events(events)
        incident = pipeline.incident(incident_id)
        return {
            "incident_id": incident_id,
            "changed": bool(events),
            "phase": incident.phase if incident else None,
            "revision": incident.revision if incident else None,
            "acknowledged": bool(incident and incident.stages.acknowledged_at),
        }

    async def resync(self, request: Resync) -> Mapping[str, Any]:
        """Start to publish events again, and tell the broker every state document again."""
        newest = await self._store.last_sequence()
        asked_from = min(max(1, int(request.from_sequence)), newest + 1)
        last = newest if request.to_sequence is None else min(newest, int(request.to_sequence))
        first = await self._replay.begin(asked_from, last)
        self._republish_states()
        return {
            "first_sequence": first,
            "last_sequence": last if first is not None else None,
            "newest_sequence": newest,
            "no_longer_kept": (first if first is not None else last + 1) > asked_from,
        }

    async def set_unit(self, request: UnitSet) -> Mapping[str, Any]:
        """Change one unit of the registry and listen by it from now on."""
        unit = await self._store.do(lambda logbook: _set_unit(logbook, request))
        await self._reindex()
        return {"unit_id": unit.unit_id, "state": unit.state, "units": len(await self._store.units())}


def _set_unit(logbook: Logbook, request: UnitSet) -> Unit:
    """On the store's thread, in its transaction: change the registry or raise."""
    unit, units = changed_registry(logbook.units.all(), request)
    check_registry(unit, units)
    logbook.units.put(unit)
    return unit


def changed_registry(units: Sequence[Unit], request: UnitSet) -> tuple[Unit, tuple[Unit, ...]]:
    """Return the unit as asked for, and the registry with it.

    Raises:
        RefusedCommand: a unit to add is there, or one to change is not.
    """
    action = ACTIONS.get(request.action, request.action)
    known = next((unit for unit in units if unit.unit_id == request.unit_id), None)
    if action == "add" and known is not None:
        raise RefusedCommand("malformed", f"there is a unit {request.unit_id!r} already; edit it instead")
    if action != "add" and known is None:
        raise RefusedCommand("not_found", f"there is no unit {request.unit_id!r}; add it first")
    if action in STATES and request.model_fields_set & {*COLUMNS, "radio_id"}:
        raise RefusedCommand("malformed", f"{request.action} takes a unit_id only; edit changes other fields")
    unit = _edited(known or Unit(request.unit_id, ""), request)
    if action in STATES:
        unit = replace(unit, state=STATES[action])
    if known is None:
        return unit, (*units, unit)
    return unit, tuple(unit if one is known else one for one in units)


def _edited(unit: Unit, request: UnitSet) -> Unit:
    empty = Unit(unit.unit_id, "")
    changes: dict[str, Any] = {}
    for name in request.model_fields_set:
        column = "radio_ids" if name == "radio_id" else name
        if column in COLUMNS:
            given = getattr(request, name)
            changes[column] = getattr(empty, column) if given is None else given
    return replace(unit, **changes)


def check_registry(unit: Unit, units: tuple[Unit, ...]) -> None:
    """Hold a registry with a changed unit to the rules of the CSV, which are the only ones there are.

    Raises:
        RefusedCommand: with what is wrong with `unit`.
    """
    try:
        again = parse_units_csv(units_to_csv(units).encode(errors="replace"), "registry")
    except BadInput as error:
        faults = [fault.removeprefix("registry:").partition(":")[2] for fault in str(error).splitlines()]
        raise RefusedCommand("malformed", f"the unit cannot be registered: {'; '.join(faults)}") from None
    if unit not in again:
        raise RefusedCommand(
            "malformed",
            "the unit cannot be registered: a field begins or ends with a space, repeats itself or holds |",
        )
