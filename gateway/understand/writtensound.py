"""How near a phrase heard in the audio comes to what the recogniser wrote at that place of the call.

Two readers of one call err in different ways. Where the phone head hears 砸车 and the text has 杂车 at about
the same time, both bear the phrase out, and less is asked of either.
"""

import math
from typing import Final

import numpy as np

from gateway.understand.pinyin import Syllables, syllables, symbol_costs

_WITHIN_SHARE: Final = 0.2
"""How far apart the two may stand, as a share of the call: the text has no times, and readers skip words."""


class WrittenSound:
    """The syllables of one text, to be compared with phrases. Immutable."""

    def __init__(self, text: str) -> None:
        """Read `text`, the recogniser's, as it sounds; what is masked in it sounds like nothing."""
        said = syllables(text)
        self._rows = symbol_costs()[said.codes] if len(said) else None
        self._centres = np.array([(start + end) / 2 for start, end in said.spans]) / max(len(text), 1)

    def cost(self, phrase: Syllables, at: float) -> float:
        """The cost per syllable of `phrase` around `at`; inf when the text has nothing there.

        `at` is 0 at the call's beginning and 1 at its end.
        """
        return self.costs(phrase, at)[0]

    def costs(self, phrase: Syllables, at: float) -> tuple[float, float]:
        """The cost per syllable, as `cost`, and that of the worst syllable: 有人 alone makes no 有人触电."""
        length, written = len(phrase), len(self._centres)
        if self._rows is None or not length or length > written:
            return math.inf, math.inf
        centres = (self._centres[: written - length + 1] + self._centres[length - 1 :]) / 2
        windows = np.flatnonzero(np.abs(centres - at) <= _WITHIN_SHARE)
        if not len(windows):
            return math.inf, math.inf
        steps = np.arange(length)
        costs = self._rows[windows[:, None] + steps, phrase.codes[steps]]
        best = costs[int(costs.sum(axis=1).argmin())]
        return float(best.sum()) / length, float(best.max())
