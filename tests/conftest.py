"""What every test gets: no thread outlives it, and no test logs as another one set it up."""

import json
import os
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any
from unittest.mock import patch

import pytest
import structlog
from hypothesis import HealthCheck, settings

from gateway.events import EVENT_DATA, CloudEvent
from gateway.publish.asyncapi import event_schema
from tests.support import jsonschema_check

# CI holds what is known, the same at every run; looking for new counter-examples is for a developer's runs.
# How long an example takes says how busy the machine is, and nothing of the code.
UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("here", UNHURRIED)
settings.register_profile("ci", UNHURRIED, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") == "true" else "here")

LINGER_S = 3.0
MOST_CHECKED_PER_TEST = 20
SHARED_THREADS = ("asyncio_", "ThreadPoolExecutor", "pymp", "whisper")
"""Pools that a session-wide fixture owns and closes itself."""


@pytest.fixture(autouse=True)
def no_thread_left_behind() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    deadline = time.monotonic() + LINGER_S
    while time.monotonic() < deadline:
        left = [
            thread
            for thread in set(threading.enumerate()) - before
            if thread.is_alive() and not thread.name.startswith(SHARED_THREADS)
        ]
        if not left:
            return
        time.sleep(0.02)
    pytest.fail(f"threads left behind: {[thread.name for thread in left]}")


@pytest.fixture(autouse=True)
def log_as_at_start() -> Iterator[None]:
    """A command run in this process sets the log up on the stderr of its own test, and at its own level."""
    yield
    structlog.reset_defaults()


@dataclass
class Held:
    """How many events of each kind the present test made, and what is wrong with them."""

    checked: Counter[str]
    broken: list[str]


@pytest.fixture(scope="session", autouse=True)
def events_are_held_to_their_schemas() -> Iterator[Held]:
    """Every event that any test has the gateway make in this process is checked against the published schema.

    `CloudEvent(...)` is where events are made; reading one back does not come by here.
    """
    schemas = {kind: event_schema(kind) for kind in EVENT_DATA}
    broken: list[str] = []
    checked: Counter[str] = Counter()
    make = CloudEvent.__init__

    def made(event: CloudEvent, **attributes: Any) -> None:
        make(event, **attributes)
        kind = event.kind
        # a thousand alike teach nothing more; the first of each test and kind are enough
        if kind in schemas and checked[kind] < MOST_CHECKED_PER_TEST:
            checked[kind] += 1
            document = json.loads(event.to_json())
            faults = islice(jsonschema_check.faults(document, schemas[kind], schemas[kind]), 3)
            broken.extend(f"{kind}: {fault}" for fault in faults)

    with patch.object(CloudEvent, "__init__", made):
        yield Held(checked, broken)


@pytest.fixture(autouse=True)
def no_event_breaks_the_contract(events_are_held_to_their_schemas: Held) -> Iterator[None]:
    held = events_are_held_to_their_schemas
    held.checked.clear()
    held.broken.clear()
    yield
    assert held.broken == []
