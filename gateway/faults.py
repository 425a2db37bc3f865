"""Faults that last: one event when one begins, one when it is over, whatever happens in between. Pure."""

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class OpenFault:
    """Something the gateway needs is away. `action` says what a person should do."""

    what: str
    since: datetime
    message: str
    action: str


@dataclass
class FaultBook:
    """The faults of this moment, by what is at fault. One thread only."""

    open: dict[str, OpenFault] = field(default_factory=dict)

    def begin(self, what: str, message: str, action: str, at: datetime) -> OpenFault | None:
        """Note a fault; None when it is open already and needs no second event."""
        if what in self.open:
            return None
        fault = OpenFault(what, at, message, action)
        self.open[what] = fault
        return fault

    def end(self, what: str) -> OpenFault | None:
        """Note that a fault is over; None when there was none."""
        return self.open.pop(what, None)
