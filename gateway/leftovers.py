"""What an earlier run heard and did not understand, each for the radio that heard it."""

from collections.abc import Callable

import numpy as np

from drivers.base import AudioFormat, AudioFrame, AudioSource, EndOfAudio
from gateway.model import RATE_HZ, Transmission
from gateway.store.records import HeardTransmission, Notice, RecoveredTransmission, SpooledAudio
from gateway.store.spool import Spool
from gateway.store.store import Store

LeftOver = tuple[Transmission, SpooledAudio | None]


class FormerSource(AudioSource):
    """Stands for a radio that is no longer in the configuration: nothing more comes from it."""

    format = AudioFormat(RATE_HZ)

    @property
    def is_live(self) -> bool:
        """There is nothing to be late for."""
        return False

    def open(self) -> None:
        """Nothing to open."""

    def close(self) -> None:
        """Nothing to close."""

    def _read(self, timeout_s: float) -> AudioFrame | None:
        raise EndOfAudio(f"no longer in the configuration (asked for {timeout_s:g} s of it)")


async def left_over(store: Store, spool: Spool, tell: Callable[[Notice], None]) -> list[LeftOver]:
    """Return what had no turn, in the order it was heard. Call at start, before any capture.

    `tell` is told of what was found damaged. The samples are read when their turn comes.
    """
    unfinished = await store.unfinished()
    recovered, notices = await store.do(lambda logbook: spool.recover(logbook.knows))
    for notice in notices:
        tell(notice)
    left: list[HeardTransmission | RecoveredTransmission] = [*unfinished, *recovered]
    return [(_transmission_of(one), one.audio) for one in sorted(left, key=lambda item: item.started_at)]


def _transmission_of(left: HeardTransmission | RecoveredTransmission) -> Transmission:
    return Transmission(
        id=left.id,
        radio_id=left.radio_id,
        started_at=left.started_at,
        duration_s=left.audio.duration_s if left.audio is not None else 0.0,
        audio=np.empty(0, np.int16),
        end=left.end,
        dropped_frames=left.dropped_frames,
        signalling=left.signalling if isinstance(left, HeardTransmission) else (),
    )
