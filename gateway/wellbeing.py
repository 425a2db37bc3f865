"""How the gateway is: each radio's state and the health document, told to broker, `status` and Prometheus."""

import asyncio
import contextlib
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog

from gateway.alarms import Alarms
from gateway.clock import Clock
from gateway.config import MetricsSettings
from gateway.ears import Ears
from gateway.errors import GatewayError
from gateway.health import health_document, write_health
from gateway.hear.capture import CaptureEvent, Completed, Ended, Fault, Opened, Recovered
from gateway.publish.link import PahoLink
from gateway.publish.pump import Pump
from gateway.radio import Radio
from gateway.remedies import SOURCE_ACTION, action_for
from gateway.store.records import OutboxCounts
from gateway.store.store import Store
from gateway.timekeeping import ClockReader

if TYPE_CHECKING:
    from gateway.metrics import MetricsPort

log = structlog.get_logger()

COUNTED_WITHIN_S = 2.0
"""A store that takes longer is told of by what was counted before."""


class Wellbeing:
    """Takes what radios report and tells of it. Use from one asyncio loop."""

    def __init__(
        self,
        data_dir: Path,
        store: Store,
        link: PahoLink,
        pump: Pump,
        alarms: Alarms,
        clock: Clock,
        read_clock: ClockReader,
        *,
        radios: Mapping[str, Radio],
        ears: Ears,
        metrics: MetricsSettings,
    ) -> None:
        """Wire it up, and open the metrics' port when one is configured.

        Raises:
            Unavailable: that port is taken.
        """
        self._data_dir = data_dir
        self._store = store
        self._link = link
        self._pump = pump
        self._alarms = alarms
        self._clock = clock
        self._read_clock = read_clock
        self._radios = radios
        self._ears = ears
        self._started_at = clock.now()
        self._states: dict[str, dict[str, Any]] = {}
        self._last_heard: dict[str, str] = {}
        self._counts = OutboxCounts(0, 0, None)
        self._metrics = _metrics_of(metrics)
        self.broken: list[str] = []
        """Sources that ended by a fault, for those who wait until all is done."""

    def take(self, event: CaptureEvent) -> None:
        """Note what a radio reports: its state changes, faults begin and end."""
        match event:
            case Opened():
                self.set_radio(event.radio_id, "receiving")
            case Completed(transmission=heard):
                self._last_heard[heard.radio_id] = self._clock.now().isoformat()
                self.set_radio(heard.radio_id, "idle")
                if event.kept is not None:
                    self._alarms.recovered(f"radio/{heard.radio_id}/spool")
            case Fault():
                if event.what in {"source", "capture"}:
                    self.set_radio(event.radio_id, "fault")
                self._alarms.fault(
                    f"radio/{event.radio_id}/{event.what}", event.message, action_for(event.what)
                )
            case Recovered():
                if event.what == "source":
                    self.set_radio(event.radio_id, "idle")
                self._alarms.recovered(f"radio/{event.radio_id}/{event.what}")
            case Ended():
                log.info("source has ended", radio=event.radio_id, why=event.message)
                if event.is_damaged:
                    self.broken.append(event.message or f"radio {event.radio_id} ended by a fault")
                    self._alarms.fault(f"radio/{event.radio_id}/source", self.broken[-1], SOURCE_ACTION)

    def set_transmitting(self, radio_id: str, is_on: bool) -> None:
        """Note that a radio is keyed up, or is no longer."""
        state = self._states[radio_id]["state"]
        if is_on or state == "transmitting":
            is_deaf = not self._alarms.of_radio(radio_id).keys().isdisjoint({"source", "capture"})
            self.set_radio(radio_id, "transmitting" if is_on else "fault" if is_deaf else "idle")

    def set_radio(self, radio_id: str, state: str) -> None:
        """Note a radio's state and publish it."""
        self._states[radio_id] = {"state": state, "since": self._clock.now().isoformat()}
        self._pump.publish_state(f"radio/{radio_id}", self._states[radio_id])

    async def tell(self) -> None:
        """Tell how the gateway is, now; with what was last known of the outbox while the store refuses."""
        counts = await self._count()
        if not counts.set_aside:
            self._alarms.recovered("outbox")
        if not self._link.has_rival:
            self._alarms.recovered("mqtt/rival")
        link = self._link.state
        recogniser = self._ears.recogniser
        document = health_document(
            at=self._clock.now(),
            started_at=self._started_at,
            radios={
                radio_id: {
                    **state,
                    "waiting": self._radios[radio_id].waiting,
                    "last_heard": self._last_heard.get(radio_id),
                }
                for radio_id, state in self._states.items()
            },
            mqtt={
                "connected": link.is_connected,
                "protocol": link.protocol,
                "since": link.since.isoformat(),
            },
            outbox={
                "waiting": counts.waiting,
                "set_aside": counts.set_aside,
                "delivered": self._pump.counts.delivered,
                "unheard": self._pump.counts.unheard,
                "trouble": self._pump.trouble,
            },
            recogniser={
                "engine": recogniser.engine if recogniser else None,
                "model": recogniser.model if recogniser else None,
            },
            faults=self._alarms.open,
            free_bytes=shutil.disk_usage(self._data_dir).free,
            clock=self._read_clock(),
        )
        self._pump.publish_state("health", document)
        await asyncio.to_thread(write_health, self._data_dir, document)
        if self._metrics is not None:
            await asyncio.to_thread(self._metrics.tell, document)

    async def _count(self) -> OutboxCounts:
        """Count what waits, unless the store has no time for that."""
        with contextlib.suppress(GatewayError, TimeoutError):
            async with asyncio.timeout(COUNTED_WITHIN_S):
                self._counts = await self._store.outbox.counts()
        return self._counts

    async def close(self) -> None:
        """Stop serving metrics."""
        if self._metrics is not None:
            await asyncio.to_thread(self._metrics.close)


def _metrics_of(settings: MetricsSettings) -> "MetricsPort | None":
    if settings.port is None and settings.file is None:
        return None
    # A station without Prometheus need not carry an HTTP server.
    from gateway.metrics import MetricsPort  # noqa: PLC0415

    return MetricsPort(settings.port, settings.file)
