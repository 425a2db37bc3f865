"""The data of the events in which the gateway tells of itself: `gateway.*`, `outbox.*`, `clock.*`."""

from gateway.events.shared import Data, Model, Timestamp


class GatewayFault(Data):
    """Something the gateway needs went away, or came back."""

    what: str
    since: Timestamp
    message: str
    action: str


class SequenceRun(Model):
    """Numbers that follow one another, both ends included."""

    first: str
    last: str


class OutboxDropped(Data):
    """Events that had to be given up, so that a gap in the sequence explains itself.

    `runs` are the first and last number of each stretch given up. When it is empty, everything from
    `first_sequence` to `last_sequence` was.
    """

    first_sequence: str
    last_sequence: str
    count: int
    reason: str
    runs: tuple[SequenceRun, ...] = ()


class ClockStepped(Data):
    """The wall clock jumped: events before it can be re-dated by mono_ms."""

    old: Timestamp
    new: Timestamp
