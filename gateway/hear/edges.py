"""Where exactly a signal rose and fell. Pure.

The squelch decides on the mean of blocks, or on a flag that is asked for once a frame, and so knows the edges
of a transmission to within a tenth of a second. Answer times are differences of edges, so they are looked for
again in the samples once the transmission is complete, in frames of 4 ms.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from gateway.model import RATE_HZ, Pcm

Powers = npt.NDArray[np.float64]
_FRAME: Final = RATE_HZ // 250
_BEFORE_S, _AFTER_S = 0.12, 0.16
"""How far the edge may lie before and after where the squelch believes it."""
_FLOOR_FRAMES: Final = 12
"""The floor is only known from so many frames without signal."""
_CLEAR_OF_EDGE_S: Final = 0.02
_ABOVE_FLOOR: Final = 2.0
_ABOVE_QUIETEST: Final = 4.0
_QUIETEST_FRAMES: Final = 4
_RUN, _ENOUGH = 10, 8
"""The signal is there from the first frame on that has so many loud ones among the next."""
_QUIETEST: Final = 1.0
"""A mean square below that of one bit's noise is silence."""


def rise(pcm: Pcm, believed: int) -> int:
    """Return the sample where the signal rises, `believed` where that cannot be told more exactly.

    `pcm` begins with what came before the signal; `believed` is where the squelch takes it to rise.
    """
    first = max(0, believed - round(_BEFORE_S * RATE_HZ))
    last = min(len(pcm), believed + round(_AFTER_S * RATE_HZ) + _RUN * _FRAME)
    frames = _powers(pcm[:last])
    quiet = frames[: max(0, round((believed - _CLEAR_OF_EDGE_S * RATE_HZ) / _FRAME))]
    loud = frames > _threshold(quiet, frames)
    for frame in range(first // _FRAME, len(loud) - _RUN + 1):
        if loud[frame] and int(np.count_nonzero(loud[frame : frame + _RUN])) >= _ENOUGH:
            return frame * _FRAME
    return believed


def fall(pcm: Pcm, believed: int) -> int:
    """Return the sample where the signal falls, as `rise` does for its beginning."""
    return len(pcm) - rise(pcm[::-1], len(pcm) - believed)


def _threshold(quiet: Powers, frames: Powers) -> float:
    """What a frame must exceed, by what is quiet for certain, or by what is quietest where too little is."""
    if len(quiet) >= _FLOOR_FRAMES:
        # The quieter half: the squelch may believe in an edge that is late.
        return _ABOVE_FLOOR * max(float(np.mean(np.sort(quiet)[: len(quiet) // 2])), _QUIETEST)
    if len(frames) < _FLOOR_FRAMES:
        return float("inf")
    return _ABOVE_QUIETEST * max(float(np.mean(np.sort(frames)[:_QUIETEST_FRAMES])), _QUIETEST)


def _powers(pcm: Pcm) -> Powers:
    frames = pcm[: len(pcm) // _FRAME * _FRAME].astype(np.float64).reshape(-1, _FRAME)
    powers: Powers = np.mean(frames**2, axis=1)
    return powers
