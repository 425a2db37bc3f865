"""Recordings through the product's own path, and what came out of it for each."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

from gateway.events import CloudEvent
from gateway.replay import replay, settings_of
from gateway.understand.resolve import Parties, Resolver


@dataclass(slots=True)
class Heard:
    """Every event of one recording, as the `data` of the contract's documents, in order."""

    received: list[dict[str, Any]] = field(default_factory=list)
    incidents: dict[str, dict[str, Any]] = field(default_factory=dict)
    """The last snapshot of each incident."""
    opened: list[dict[str, Any]] = field(default_factory=list)
    checkins: list[dict[str, Any]] = field(default_factory=list)

    def take(self, event: CloudEvent) -> None:
        """Sort an event in."""
        match event.kind:
            case "transmission.received":
                self.received.append(event.data)
            case "checkin.received":
                self.checkins.append(event.data)
            case "incident.opened":
                self.opened.append(event.data)
        if event.kind.startswith("incident."):
            self.incidents[event.data["incident_id"]] = event.data

    @property
    def text(self) -> str:
        """The words of all transmissions."""
        return " / ".join(data["transcript"]["text"] for data in self.received)

    @property
    def callers(self) -> list[str]:
        """Ids of the units that were named as the caller."""
        return [data["caller"]["unit_id"] for data in self.received if data["caller"]["unit_id"]]

    @property
    def false_incidents(self) -> list[str]:
        """Codes of the incidents that were opened as real ones."""
        return [data["type"]["code"] for data in self.opened if data["status"] == "Actual"]


def listen(recordings: Sequence[Path], units: Path) -> dict[str, Heard]:
    """Hear each recording as a radio and a conversation of its own; the recogniser is loaded once.

    Raises:
        GatewayError: as `radio-gateway replay` does.
    """
    heard = {path.stem: Heard() for path in recordings}
    if len(heard) != len(recordings):
        raise ValueError("two recordings have the same name")

    def write(event: CloudEvent) -> None:
        radio = event.data.get("radio")
        if radio in heard:
            heard[radio].take(event)

    replay(recordings, settings_of(None, units=units), write)
    return heard


@dataclass(slots=True)
class ResolveTimes:
    """CPU time of each resolution on the path, and how many of them had phones to go by."""

    cpu_ms: list[float] = field(default_factory=list)
    with_phones: int = 0


@contextmanager
def resolve_times() -> Iterator[ResolveTimes]:
    """Time every `Resolver.resolve` meanwhile, whoever calls it."""
    times = ResolveTimes()
    original = Resolver.resolve

    def timed(resolver: Resolver, text: str, phones: Any = None, prior: Any = None) -> Parties:
        started = time.thread_time()
        try:
            return original(resolver, text, phones, prior)
        finally:
            times.cpu_ms.append((time.thread_time() - started) * 1000)
            times.with_phones += phones is not None

    with patch.object(Resolver, "resolve", timed):
        yield times
