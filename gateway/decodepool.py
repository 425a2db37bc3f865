"""The thread that decodes, and a way to leave without it when a decode never ends."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

ENDS_WITHIN_S = 10.0
"""A decode takes two seconds or so; one that takes this long when the daemon stops hangs."""


class DecodePool(ThreadPoolExecutor):
    """One decode at a time. A hung one can be told, and left behind."""

    def __init__(self) -> None:
        super().__init__(1, thread_name_prefix="decode")
        self.hangs = False
        """True when a decode did not end in time: the process can then only end by os._exit."""

    async def ends(self, within_s: float = ENDS_WITHIN_S) -> bool:
        """Wait for what was given to the pool so far; False when it did not end in time."""
        last = asyncio.wrap_future(self.submit(_nothing))
        done, _ = await asyncio.wait((last,), timeout=within_s)
        self.hangs = not done
        return not self.hangs


def _nothing() -> None:
    """Is done when everything before it is."""
