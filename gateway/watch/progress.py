"""How far the events of each gateway have come: new, had before, or numbered anew. Pure."""

import contextlib
from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

from gateway.watch.document import Event
from gateway.watch.numbers import Missing

Verdict = Literal["new", "repeat", "anew"]


@dataclass
class SourceState:
    """How far one gateway's events have come. `lost` counts those that it no longer keeps.

    `first` is the number of the first event that came at all: what was before is taken, but not asked for.
    """

    newest: int
    newest_id: str
    first: int
    missing: Missing = field(default_factory=Missing)
    lost: int = 0

    def copy(self) -> "SourceState":
        """Return one that changes by itself."""
        return SourceState(self.newest, self.newest_id, self.first, Missing(self.missing), self.lost)


def place(sources: dict[str, SourceState], event: Event) -> Verdict:
    """Note an unseen event's number in `sources`: new, a repeat of long ago, or its gateway began anew."""
    source, sequence, event_id = event["source"], int(event["sequence"]), event["id"]
    state = sources.get(source)
    if state is None:
        sources[source] = SourceState(sequence, event_id, sequence)
        return "new"
    if sequence > state.newest:
        state.missing.add(state.newest + 1, sequence - 1)
        state.newest, state.newest_id = sequence, event_id
    elif sequence >= state.first and not state.missing.discard(sequence):
        if not _later(event_id, state.newest_id):
            return "repeat"
        # A number that was had before, on an event made later: the gateway's database was replaced.
        sources[source] = SourceState(sequence, event_id, sequence, lost=state.lost)
        return "anew"
    if event["type"] == "radiogateway.outbox.dropped":
        _explained(state, event)
    return "new"


def _explained(state: SourceState, event: Event) -> None:
    """Numbers that the gateway gave up will never come; it says so itself."""
    with contextlib.suppress(KeyError, TypeError, ValueError):
        data = event["data"]
        state.lost += state.missing.discard(int(data["first_sequence"]), int(data["last_sequence"]))


def _later(one: str, other: str) -> bool:
    """Whether the UUIDv7 `one` was made in a later millisecond; False where either is no such id."""
    made = [_made_ms(name) for name in (one, other)]
    return made[0] is not None and made[1] is not None and made[0] > made[1]


def _made_ms(name: str) -> int | None:
    try:
        uuid = UUID(name)
    except ValueError:
        return None
    return uuid.int >> 80 if uuid.version == 7 else None  # noqa: PLR2004 - UUIDv7, RFC 9562
