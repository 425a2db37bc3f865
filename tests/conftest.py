"""What every test gets: no thread outlives it, and no test logs as another one set it up."""

import os
import threading
import time
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import settings

# CI holds what is known, the same at every run; looking for new counter-examples is for a developer's runs.
settings.register_profile("ci", derandomize=True)
if os.environ.get("CI") == "true":
    settings.load_profile("ci")

LINGER_S = 3.0
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


@pytest.fixture(autouse=True)
def log_set_up_by_nobody() -> Iterator[None]:
    """A command run in this process points the log at a stderr that is gone with its test."""
    yield
    structlog.reset_defaults()
