"""The health document as Prometheus metrics: in a file for the node exporter, or on a loopback port.

Text format by prometheus_client, https://prometheus.io/docs/instrumenting/exposition_formats/.
"""

import contextlib
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIServer

from prometheus_client import CollectorRegistry, generate_latest, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from gateway.errors import Unavailable

STATES = ("green", "amber", "red")


class HealthMetrics(Collector):
    """What the last health document says, as metrics. Any thread may collect."""

    def __init__(self) -> None:
        self._document: Mapping[str, Any] = {}

    def take(self, document: Mapping[str, Any]) -> None:
        """Replace what is told from now on."""
        self._document = document

    def collect(self) -> Iterator[Metric]:
        """Yield each metric; none before the first document."""
        document = self._document
        if not document:
            return
        state = GaugeMetricFamily(
            "radio_gateway_state", "1 for the state the gateway is in: green, amber or red", labels=("state",)
        )
        for name in STATES:
            state.add_metric([name], float(document["state"] == name))
        yield state
        mqtt, outbox = document["mqtt"], document["outbox"]
        yield _gauge("mqtt_connected", "Whether the broker is connected", mqtt["connected"])
        yield _gauge("outbox_waiting", "Events that wait for the broker", outbox["waiting"])
        yield _gauge("outbox_set_aside", "Events the broker did not take", outbox["set_aside"])
        yield _count("events_delivered", "Events the broker has taken in this run", outbox["delivered"])
        yield _count("events_unheard", "Events that no subscriber was there for", outbox["unheard"])
        yield _gauge("faults_open", "Faults that are not over", len(document["faults"]))
        yield from self._radios(document["radios"])

    def _radios(self, radios: Mapping[str, Mapping[str, Any]]) -> Iterator[Metric]:
        works = GaugeMetricFamily(
            "radio_gateway_radio_works", "0 while the radio is not heard", labels=("radio",)
        )
        waiting = GaugeMetricFamily(
            "radio_gateway_radio_waiting", "Transmissions not understood yet", labels=("radio",)
        )
        for radio_id, radio in radios.items():
            works.add_metric([radio_id], float(radio["state"] != "fault"))
            waiting.add_metric([radio_id], radio["waiting"])
        yield works
        yield waiting


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"radio_gateway_{name}", text, value=float(value))


def _count(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(f"radio_gateway_{name}", text, value=float(value))


class MetricsPort:
    """Tells the metrics: `tell` after each health document, `close` at the end. Either way may be left out.

    Raises:
        Unavailable: the port is taken.
    """

    def __init__(self, port: int | None = None, file: Path | None = None) -> None:
        self._metrics = HealthMetrics()
        self._registry = CollectorRegistry()
        self._registry.register(self._metrics)
        self._file = file
        self._server: WSGIServer | None = None
        self._thread: threading.Thread | None = None
        if port is not None:
            try:
                self._server, self._thread = start_http_server(port, "127.0.0.1", self._registry)
            except OSError as error:
                raise Unavailable(
                    f"metrics.port: 127.0.0.1:{port} cannot be opened ({error.strerror}); choose another port"
                ) from error

    @property
    def port(self) -> int | None:
        """Where the metrics are served, None when they are not."""
        return None if self._server is None else self._server.server_port

    def tell(self, document: Mapping[str, Any]) -> None:
        """Tell of `document` from now on. Writes the file; call from a thread that may wait for the disk."""
        self._metrics.take(document)
        if self._file is None:
            return
        draft = self._file.with_suffix(".tmp")
        with contextlib.suppress(OSError):
            draft.write_bytes(generate_latest(self._registry))
            draft.replace(self._file)

    def close(self) -> None:
        """Stop serving. May be called twice."""
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()
            self._server = None
