"""Tries the watchdog that releases a key when the gateway cannot, with a pipe in the place of a radio."""

import os
import select
import time
from collections.abc import Iterator

from drivers.base import Release
from gateway.config import Config
from gateway.doctor.finding import Finding
from gateway.speak.watchdog import Watchdog, WatchdogAway

HELD_TOO_LONG_S = 0.2
RELEASED_WITHIN_S = 3.0
TRIAL = "the doctor's trial key"
_ACTION = "nothing is keyed without it: run doctor as the user of the service; see the log"


def examine_watchdog(config: Config, watchdog: Watchdog | None = None) -> Iterator[Finding]:
    """Hold a key too long and see it released; nothing where no radio can speak."""
    if any(radio.sink.kind != "none" for radio in config.radio):
        yield _examined(watchdog or Watchdog())


def _examined(watchdog: Watchdog) -> Finding:
    listening, key = os.pipe()
    try:
        began_s = time.monotonic()
        watchdog.arm(TRIAL, Release(fd=key, data=b"released"), HELD_TOO_LONG_S)
        released, _, _ = select.select([listening], [], [], RELEASED_WITHIN_S)
        took_s = time.monotonic() - began_s - HELD_TOO_LONG_S
        watchdog.disarm(TRIAL)
    except WatchdogAway as error:
        return Finding("watchdog", "bad", str(error), _ACTION)
    finally:
        watchdog.close()
        os.close(listening)
        os.close(key)
    if not released:
        return Finding("watchdog", "bad", "a key that was held too long was not released", _ACTION)
    return Finding(
        "watchdog", "good", f"released a key that was held too long, {took_s:.2f} s after its time"
    )
