import re
import socket
import urllib.request
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from gateway.errors import Unavailable
from gateway.events import ClockReading
from gateway.faults import OpenFault
from gateway.health import health_document
from gateway.metrics import MetricsPort

AT = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


def document(**more: Any) -> dict[str, Any]:
    given: dict[str, Any] = {
        "at": AT,
        "started_at": AT,
        "radios": {"ch1": {"state": "idle", "waiting": 2}, "ch2": {"state": "fault", "waiting": 0}},
        "mqtt": {"connected": True},
        "outbox": {"waiting": 7, "set_aside": 1, "delivered": 40, "unheard": 3},
        "recogniser": {},
        "faults": [OpenFault("radio/ch2/source", AT, "gone", "plug it in")],
        "free_bytes": 5_000_000_000,
        "clock": ClockReading(synced=True, source="ntp", est_error_ms=1.0, boot_id="b", mono_ms=5),
        **more,
    }
    return health_document(**given)


def read(text: str) -> dict[tuple[str, ...], float]:
    """Metrics by name and label values, read by Prometheus' own parser."""
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_the_file_says_what_health_says(tmp_path: Path) -> None:
    file = tmp_path / "radio-gateway.prom"
    MetricsPort(file=file).tell(document())

    told = read(file.read_text(encoding="utf-8"))
    assert told["radio_gateway_state", "amber"] == 1
    assert told["radio_gateway_state", "green"] == 0
    assert told["radio_gateway_outbox_waiting",] == 7
    assert told["radio_gateway_events_delivered_total",] == 40
    assert told["radio_gateway_radio_works", "ch2"] == 0
    assert told["radio_gateway_radio_waiting", "ch1"] == 2
    assert told["radio_gateway_faults_open",] == 1
    assert [one.name for one in tmp_path.iterdir()] == [file.name]


def test_the_port_serves_this_machine_and_the_latest_figures() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    metrics = MetricsPort(port)
    try:
        metrics.tell(document())
        metrics.tell(document(mqtt={"connected": False}))
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
            assert read(answer.read().decode())["radio_gateway_mqtt_connected",] == 0
        with pytest.raises(Unavailable, match=r"metrics\.port"):
            MetricsPort(port)
    finally:
        metrics.close()
        metrics.close()


def test_nothing_is_told_before_the_first_look(tmp_path: Path) -> None:
    metrics = MetricsPort(file=tmp_path / "m.prom")

    assert list(metrics._metrics.collect()) == []


def test_the_operations_page_names_every_metric_there_is(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "operations.md").read_text(encoding="utf-8")
    file = tmp_path / "m.prom"
    MetricsPort(file=file).tell(document())

    named = set(re.findall(r"`(radio_gateway_\w+)`", page))
    assert named == {name for name, *_ in read(file.read_text(encoding="utf-8"))}
