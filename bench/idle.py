"""The daemon without a speech model, for `bench.daemon` to start: `python -m bench.idle station.toml`.

Prints "listening" and its resident memory in KiB as soon as it listens, "indexed" when the units can be told
apart, and "settled" two seconds later.
"""

import asyncio
import sys
from pathlib import Path

from gateway.app import Daemon
from gateway.cli.run import checked
from gateway.listener import Listener
from gateway.log import configure_log


class ModellessDaemon(Daemon):
    """Waits for its model for ever."""

    async def _load_listener(self) -> Listener:
        await asyncio.Event().wait()
        raise AssertionError

    async def indexed(self) -> None:
        """Return when the units are indexed."""
        while not self._units.is_ready:  # noqa: ASYNC110 - looked at from outside
            await asyncio.sleep(0.005)


def resident_kib(pid: int | str = "self") -> int:
    """Memory of a process that is in RAM."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:"))


async def main() -> None:
    configure_log("error")
    daemon = ModellessDaemon(checked(Path(sys.argv[1])))
    try:
        await daemon.start()
        print("listening", resident_kib(), flush=True)
        await daemon.indexed()
        print("indexed", resident_kib(), flush=True)
        await asyncio.sleep(2)
        print("settled", resident_kib(), flush=True)
    finally:
        await daemon.stop()


if __name__ == "__main__":
    asyncio.run(main())
