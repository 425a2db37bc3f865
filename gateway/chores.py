"""What is done again and again while the gateway runs."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from gateway.alarms import Alarms
from gateway.errors import GatewayError, StoreDamaged
from gateway.remedies import SPOOL_ACTION

SOONEST_S = 1.0


async def every(
    seconds: float,
    what: str,
    chore: Callable[[], Awaitable[None]],
    alarms: Alarms,
    sooner: asyncio.Event | None = None,
) -> None:
    """Do a chore for ever; a store that refuses is a fault of `what`, and no reason to stop listening.

    `sooner` has it done before its time, though not more than once a second.

    Raises:
        StoreDamaged: only the next start can put it right; the service manager makes one.
    """
    sooner = sooner or asyncio.Event()
    while True:
        sooner.clear()
        try:
            await chore()
        except StoreDamaged:
            raise
        except GatewayError as error:
            alarms.fault(what, str(error), SPOOL_ACTION)
        else:
            alarms.recovered(what)
        await asyncio.sleep(min(seconds, SOONEST_S))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds - SOONEST_S):
                await sooner.wait()
