"""The gateway's health in Home Assistant, by its MQTT discovery. Off unless the station asks for it.

Format: https://www.home-assistant.io/integrations/mqtt/#mqtt-discovery - one retained document for each
entity on `<prefix>/<component>/<node>/<object>/config`, which points at the states that are retained anyway.
"""

import asyncio
import contextlib
import re
from collections.abc import Iterable, Mapping
from typing import Any

import structlog

from gateway.publish.connection import LinkDown
from gateway.publish.link import Link, Rejected
from gateway.publish.states import json_bytes
from gateway.publish.topics import availability_topic, state_topic

log = structlog.get_logger()


def discovery_documents(
    prefix: str, root: str, source: str, version: str, radios: Iterable[str]
) -> dict[str, dict[str, Any]]:
    """Return the discovery documents by topic: the gateway's health, its outbox, and each radio's state."""
    node = re.sub(r"[^A-Za-z0-9_-]", "_", source.removeprefix("urn:radio-gateway:"))
    device = {
        "identifiers": [source],
        "name": f"radio-gateway {source.rpartition(':')[2]}",
        "model": "radio-gateway",
        "sw_version": version,
    }
    health = state_topic(root, "health")
    entities: dict[tuple[str, str], dict[str, Any]] = {
        ("binary_sensor", "problem"): {
            "name": "Problem",
            "device_class": "problem",
            "state_topic": health,
            "value_template": "{{ 'OFF' if value_json.state == 'green' else 'ON' }}",
        },
        ("sensor", "outbox"): {
            "name": "Events waiting",
            "state_topic": health,
            "value_template": "{{ value_json.outbox.waiting }}",
            "state_class": "measurement",
        },
    }
    for radio in radios:
        entities["sensor", f"radio_{radio}"] = {
            "name": f"Radio {radio}",
            "state_topic": state_topic(root, f"radio/{radio}"),
            "value_template": "{{ value_json.state }}",
        }
    return {
        f"{prefix}/{component}/{node}/{name}/config": {
            **entity,
            "unique_id": f"{node}_{name}",
            "availability_topic": availability_topic(root),
            "availability_template": "{{ value_json.state }}",
            "device": device,
        }
        for (component, name), entity in entities.items()
    }


class Discovery:
    """Tells a broker the documents after each connect. On the loop."""

    def __init__(self, link: Link, documents: Mapping[str, Mapping[str, Any]]) -> None:
        self._link = link
        self._documents = documents
        self._telling: asyncio.Task[None] | None = None

    def connected(self) -> None:
        """Begin to tell; what an earlier connection did not get told is told now."""
        if self._documents and (self._telling is None or self._telling.done()):
            self._telling = asyncio.create_task(self._tell(), name="homeassistant")

    async def stop(self) -> None:
        """Stop telling."""
        if self._telling is not None:
            self._telling.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._telling

    async def _tell(self) -> None:
        with contextlib.suppress(LinkDown):
            for topic, document in self._documents.items():
                verdict = await self._link.publish(topic, json_bytes(document), retain=True)
                if isinstance(verdict, Rejected):
                    log.warning("Home Assistant discovery refused", topic=topic, reason=str(verdict))
                    return
