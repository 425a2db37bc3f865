import logging
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from gateway.clock import IdSource, SystemClock
from gateway.events import (
    ClockReading,
    Draft,
    GatewayFault,
    IncidentSnapshot,
    IncidentTypeData,
    IncidentUnitData,
    LocationData,
    Review,
    StagesData,
)
from tests.support.mosquitto import Mosquitto


@pytest.fixture
def make_broker(tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Make a Mosquitto that is killed at the end of the test; started unless start=False."""
    with ExitStack() as stack:

        def make(*extra: str, start: bool = True) -> Any:
            broker = Mosquitto(tmp_path / "broker", extra)
            stack.callback(broker.kill)
            if start:
                broker.start()
            return broker

        yield make


@pytest.fixture
def amqtt_broker() -> Callable[[int], AbstractAsyncContextManager[None]]:
    """Open a broker that knows MQTT 3.1.1 only, on a port."""

    @asynccontextmanager
    async def opened(port: int) -> AsyncIterator[None]:
        from amqtt.broker import Broker as Amqtt  # noqa: PLC0415 - slow to import, few tests need it

        logging.getLogger("transitions").setLevel(logging.WARNING)
        settings = {
            "listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{port}"}},
            "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
        }
        broker = Amqtt(settings)
        await broker.start()
        try:
            yield
        finally:
            await broker.shutdown()

    return opened


@pytest.fixture
def clock() -> SystemClock:
    return SystemClock()


@pytest.fixture
def make_draft(clock: SystemClock) -> Callable[..., Draft]:
    ids = IdSource(clock)

    def make(subject: str = "broker", *, message: str = "连不上", **more: Any) -> Draft:
        reading = ClockReading(
            synced=True, source="ntp", est_error_ms=1.0, boot_id="b", mono_ms=int(clock.monotonic_s() * 1000)
        )
        data = GatewayFault(clock=reading, what="broker", since=clock.now(), message=message, action="wait")
        fields: dict[str, Any] = {"kind": "gateway.fault", "data": data, **more}
        return Draft(id=ids.new(), subject=subject, time=clock.now(), **fields)

    return make


@pytest.fixture
def make_incident(clock: SystemClock) -> Callable[..., Draft]:
    ids = IdSource(clock)

    def make(incident_id: str, revision: int, verb: str = "updated") -> Draft:
        reading = ClockReading(
            synced=True, source="ntp", est_error_ms=1.0, boot_id="b", mono_ms=int(clock.monotonic_s() * 1000)
        )
        data = IncidentSnapshot(
            clock=reading,
            incident_id=incident_id,
            radio="ch1",
            revision=revision,
            msg_type="Update",
            status="Actual",
            phase="open",
            type=IncidentTypeData.model_validate({"code": "FIRE", "label": "火灾", "class": "fire"}),
            severity="Severe",
            urgency="Immediate",
            certainty="Observed",
            unit=IncidentUnitData(unit_id="u1", name="华夏A区", status="matched"),
            location=LocationData(text="6号楼", parts={"building": "6"}),
            persons=None,
            casualties=None,
            needs=(),
            stages=StagesData(),
            grades_135={},
            timeline=(),
            evidence=(),
            review=Review(required=False),
        )
        return Draft(
            id=ids.new(),
            kind=f"incident.{verb}",
            subject=incident_id,
            time=clock.now(),
            data=data,
            correlationid=incident_id,
        )

    return make
