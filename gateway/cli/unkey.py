"""`radio-gateway unkey`: releases every radio's key, for when the gateway has died with one pressed."""

import threading
import time
from pathlib import Path

from drivers.base import DeviceError
from drivers.registry import make_control
from gateway.cli.options import ConfigFile
from gateway.config import Config, RadioSettings, load_config
from gateway.errors import Unavailable

DEADLINE_S = 5.0


def unkey(config: Path = ConfigFile) -> None:
    """Release every radio's key; the service's ExecStopPost. Harmless when none is pressed.

    The gateway must not run: it has the ports.
    """
    settings = load_config(config)
    radios = [radio for radio in settings.radio if radio.control.kind != "none"]
    told: dict[str, str | None] = {}
    threads = [
        threading.Thread(target=_let_go, args=(settings, radio, told), name=f"unkey-{radio.id}", daemon=True)
        for radio in radios
    ]
    for thread in threads:
        thread.start()
    deadline_s = time.monotonic() + DEADLINE_S
    for thread in threads:
        thread.join(max(0.0, deadline_s - time.monotonic()))
    failed = []
    for radio in radios:
        trouble = told.get(radio.id, f"its control did not answer in {DEADLINE_S:.0f} s")
        if trouble is None:
            print(f"{radio.id}: released")
        else:
            failed.append(f"{radio.id}: {trouble}")
    if failed:
        raise Unavailable("not released: " + "; ".join(failed))
    if not radios:
        print("no radio has a control; there is nothing to release")


def _let_go(settings: Config, radio: RadioSettings, told: dict[str, str | None]) -> None:
    try:
        make_control(radio.control.kind, radio.control.options, settings.folder).let_go()
    except DeviceError as error:
        told[radio.id] = str(error)
    except Exception as error:  # noqa: BLE001 - one driver's failure must not keep the other keys pressed
        told[radio.id] = f"{type(error).__name__}: {error}"
    else:
        told[radio.id] = None
