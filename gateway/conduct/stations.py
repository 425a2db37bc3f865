"""The radios of a gateway as roll-calls know them: which can speak, what goes on where, and what begins.

On the asyncio loop.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from gateway.conduct.conductor import Conductor
from gateway.conduct.held import HeldPlan
from gateway.conduct.radiorollcall import RadioRollcall
from gateway.events import CloudEvent
from gateway.publish.commands import RefusedCommand

BUSY_ACTION: Final = "cancel it or wait for its end"


class RadioPath(Protocol):
    """One radio's way from the air to its events; see RadioPipeline."""

    @property
    def rollcall(self) -> RadioRollcall:
        """The roll-call on it."""

    async def end_followed(self, end: Any, at: Any) -> list[CloudEvent]:
        """End a roll-call that is held by voice."""

    async def end_exercises(self, at: Any) -> list[CloudEvent]:
        """Close the incidents that were played in a drill."""


@dataclass(frozen=True, slots=True)
class Station:
    """A radio as the office knows it. `waiting` counts what was heard there and is not understood."""

    path: RadioPath
    streets: tuple[str, ...]
    waiting: Callable[[], int]

    @property
    def conductor(self) -> Conductor | None:
        """What holds roll-calls there, None where the gateway cannot speak."""
        return self.path.rollcall.conductor

    @property
    def open_id(self) -> str | None:
        """The roll-call that goes on there, None when there is none."""
        conductor = self.conductor
        held = conductor.rollcall_id if conductor is not None else None
        return held or self.path.rollcall.followed_id


class Stations(dict[str, Station]):
    """Every radio by its id, in the order of the configuration."""

    @property
    def able(self) -> list[str]:
        """Radios on which the gateway can speak."""
        return [radio_id for radio_id, station in self.items() if station.conductor is not None]

    def streets_of(self, radios: Sequence[str]) -> Mapping[str, Sequence[str]]:
        """The sub-districts of each of these radios."""
        return {radio_id: self[radio_id].streets for radio_id in radios}

    def speaking(self, radio_id: str | None) -> list[str]:
        """The radio asked for, or all that can speak.

        Raises:
            RefusedCommand: there is none.
        """
        if radio_id is not None and radio_id not in self:
            raise RefusedCommand("not_found", f"there is no radio {radio_id!r}; there is {', '.join(self)}")
        able = self.able
        if not able or (radio_id is not None and radio_id not in able):
            raise RefusedCommand(
                "unavailable",
                f"the gateway cannot speak on {radio_id or 'any radio'}; give it a sink and a control in the "
                "configuration",
            )
        return able if radio_id is None else [radio_id]

    def meant(self, rollcall_id: str | None, radio_id: str | None) -> tuple[str, Station]:
        """The radio whose roll-call is meant; `rollcall_id` may be the beginning of its id.

        Raises:
            RefusedCommand: there is none like that, or more than one.
        """
        found = [
            (radio, station)
            for radio, station in self.items()
            if station.open_id is not None
            and radio_id in {None, radio}
            and (rollcall_id is None or station.open_id.startswith(rollcall_id))
        ]
        if not found:
            raise RefusedCommand("not_found", "no such roll-call goes on; see rollcall-list")
        if len(found) > 1:
            raise RefusedCommand("malformed", "several roll-calls go on; say which by rollcall_id or radio")
        return found[0]

    def require_free(self, radios: Sequence[str]) -> None:
        """Make sure that nothing goes on on these radios.

        Raises:
            RefusedCommand: something does.
        """
        busy = [f"{radio} ({self[radio].open_id})" for radio in radios if self[radio].open_id is not None]
        if busy:
            raise RefusedCommand("busy", f"a roll-call goes on already on {', '.join(busy)}; {BUSY_ACTION}")

    async def begin(self, plan: HeldPlan, *, occasion: str | None = None) -> None:
        """Begin what is planned; `occasion` as for a conductor.

        Raises:
            RefusedCommand: something goes on there since.
            StoreUnavailable: nothing was begun.
        """
        conductor = self[plan.radio].conductor
        assert conductor is not None
        self.require_free([plan.radio])
        try:
            await conductor.begin(plan, occasion=occasion)
        except ValueError:
            # Whoever holds the radio's turn may have begun one while this waited for it.
            self.require_free([plan.radio])
            raise
