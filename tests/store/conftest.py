from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.clock import IdSource, ManualClock
from gateway.events import ClockReading, Draft, GatewayFault
from gateway.model import End
from gateway.store import HeardTransmission, SpooledAudio

MakeDraft = Callable[..., Draft]
MakeHeard = Callable[..., HeardTransmission]


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime(2025, 3, 1, 8, 30, tzinfo=UTC))


@pytest.fixture
def ids(clock: ManualClock) -> IdSource:
    return IdSource(clock)


@pytest.fixture
def make_draft(clock: ManualClock, ids: IdSource) -> MakeDraft:
    def make(subject: str = "broker", **more: str) -> Draft:
        fields = {"id": ids.new(), "kind": "gateway.fault", "subject": subject, **more}
        data = GatewayFault(
            clock=ClockReading(synced=True, source="ntp", est_error_ms=1.0, boot_id="b", mono_ms=5),
            what="broker",
            since=clock.now(),
            message="连不上",
            action="wait",
        )
        return Draft(time=clock.now(), data=data, **fields)

    return make


@pytest.fixture
def make_heard(clock: ManualClock, ids: IdSource) -> MakeHeard:
    def make(**more: object) -> HeardTransmission:
        fields: dict[str, object] = {
            "id": ids.new(),
            "radio_id": "ch1",
            "started_at": clock.now(),
            "duration_s": 2.5,
            "end": End.CARRIER,
            "audio": SpooledAudio("spool/2025-03-01/x.wav", "ab" * 32, 80_044, 2.5),
        }
        return HeardTransmission(**{**fields, **more})

    return make
