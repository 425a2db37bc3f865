"""`rollcall-start`, `-cancel`, `-pause`, `-resume` and `-list`: from what a dispatcher asks to the air.

What carries a command out either does it, durably, and returns what the answer says, or raises
RefusedCommand and has changed nothing. Only a roll-call side by side on several radios may begin on some of
them: the answer says on which it could not, and why.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from gateway.clock import Clock
from gateway.conduct import held
from gateway.conduct.planner import Planner
from gateway.conduct.radiorollcall import RadioRollcall
from gateway.conduct.stations import Station, Stations
from gateway.conduct.timetable import Timetable
from gateway.errors import StoreUnavailable
from gateway.events import ClockReading, CloudEvent
from gateway.publish.commands import RefusedCommand
from gateway.publish.requests import (
    RollcallCancel,
    RollcallList,
    RollcallPause,
    RollcallResume,
    RollcallStart,
)
from gateway.rollcall.happenings import Cancel, Pause, Resume
from gateway.rollcall.plan import Plan


class RollcallDesk:
    """Carries roll-call commands out. On the asyncio loop; `carriers` is what the command port wants."""

    def __init__(
        self,
        stations: Stations,
        planner: Planner,
        timetable: Timetable,
        clock: Clock,
        read_clock: Callable[[], ClockReading],
        on_events: Callable[[list[CloudEvent]], None],
    ) -> None:
        self._stations = stations
        self._planner = planner
        self._timetable = timetable
        self._clock = clock
        self._read_clock = read_clock
        self._on_events = on_events

    @property
    def carriers(self) -> dict[str, Callable[[Any], Awaitable[Mapping[str, Any]]]]:
        """What carries each command out."""
        return {
            "rollcall-start": self.start_one,
            "rollcall-cancel": self.cancel,
            "rollcall-pause": self.pause,
            "rollcall-resume": self.resume,
            "rollcall-list": self.list_open,
        }

    async def start_one(self, request: RollcallStart) -> Mapping[str, Any]:
        """Begin a roll-call on one radio, or side by side on all that can speak.

        Raises:
            RefusedCommand: nothing was begun.
            StoreUnavailable: nothing was begun.
        """
        radios = self._stations.speaking(request.radio)
        self._stations.require_free(radios)
        planned = await self._planner.plan(request, self._stations.streets_of(radios))
        begun: list[Plan] = []
        not_begun: list[dict[str, Any]] = []
        for plan in planned.plans:
            try:
                await self._stations.begin(plan)
            except (RefusedCommand, StoreUnavailable) as error:
                if plan is planned.plans[-1] and not begun:
                    raise
                reason = error.refusal.reason if isinstance(error, RefusedCommand) else str(error)
                not_begun.append({"radio": plan.radio, "units": len(plan.units), "reason": reason})
            else:
                begun.append(plan)
        return {
            "rollcall_id": begun[0].rollcall_id,
            "rollcalls": [
                {
                    "rollcall_id": plan.rollcall_id,
                    "radio": plan.radio,
                    "units": len(plan.units),
                    "excused": len(plan.excused),
                }
                for plan in begun
            ],
            "left_out": planned.left_out,
            "not_begun": not_begun,
        }

    async def cancel(self, request: RollcallCancel) -> Mapping[str, Any]:
        """End a roll-call, held by the gateway or by voice."""
        radio_id, station = self._stations.meant(request.rollcall_id, request.radio)
        rollcall_id = station.open_id
        if station.conductor is not None and station.conductor.rollcall_id is not None:
            await station.conductor.feed(Cancel(self._clock.now()))
        else:
            self._on_events(await station.path.end_followed(RadioRollcall.cancel_followed, self._clock.now()))
        return {"rollcall_id": rollcall_id, "radio": radio_id, "state": "cancelled"}

    async def pause(self, request: RollcallPause) -> Mapping[str, Any]:
        """Say nothing more until it is resumed."""
        return await self._move(request, lambda: Pause(self._clock.now(), "paused_by_dispatcher"))

    async def resume(self, request: RollcallResume) -> Mapping[str, Any]:
        """Go on with a roll-call that was paused."""
        return await self._move(request, lambda: Resume(self._clock.now()))

    async def _move(
        self, request: RollcallPause | RollcallResume, event: Callable[[], Pause | Resume]
    ) -> Mapping[str, Any]:
        radio_id, station = self._stations.meant(request.rollcall_id, request.radio)
        conductor = station.conductor
        if conductor is None or conductor.state is None:
            raise RefusedCommand(
                "not_found", "that roll-call is held by an officer's voice; only he can pause it"
            )
        rollcall_id = conductor.rollcall_id
        was_paused = conductor.state.paused
        await conductor.feed(event())
        state = conductor.state
        return {
            "rollcall_id": rollcall_id,
            "radio": radio_id,
            "paused": state.paused if state is not None else None,
            "changed": state is not None and state.paused != was_paused,
        }

    async def list_open(self, _request: RollcallList) -> Mapping[str, Any]:
        """Say which roll-calls go on and when the next begins by itself."""
        upcoming = self._timetable.next_at()
        return {
            "rollcalls": [
                self._told(radio_id, one) for radio_id, one in self._stations.items() if one.open_id
            ],
            "radios": self._stations.able,
            "next_at": upcoming.isoformat() if upcoming is not None else None,
        }

    def _told(self, radio_id: str, station: Station) -> Mapping[str, Any]:
        state = station.conductor.state if station.conductor is not None else None
        if state is None:
            return {
                "rollcall_id": station.open_id,
                "radio": radio_id,
                "kind": station.path.rollcall.followed_kind,
                "mode": "listened",
            }
        told = held.snapshot_of(state, self._clock.now(), self._read_clock())
        return {
            "rollcall_id": station.open_id,
            "radio": radio_id,
            "kind": told.kind,
            "mode": "conducted",
            "phase": state.phase,
            "paused": state.paused,
            "started_at": told.started_at.isoformat(),
            "units": told.units,
            "decided": told.decided,
        }
