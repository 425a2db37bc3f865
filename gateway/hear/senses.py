"""What of a squelch's expression is true just now: level, carrier, field strength. Pure."""

import math
from collections import deque
from collections.abc import Mapping
from typing import NamedTuple

from gateway.hear.floor import BLOCK, Floor, ratio
from gateway.hear.squelch import Squelch, Told
from gateway.model import RATE_HZ
from gateway.squelchkind import SquelchKind, Verdict

_LEVEL_BLOCKS = 3
_SURE: Verdict = (True, True)
_ABSENT: Verdict = (False, False)


class Sensed(NamedTuple):
    """One block. `is_off`: the receiver says that nobody is there, whatever the sound is like."""

    rises: bool
    holds: bool
    is_faint: bool
    is_off: bool
    by_level: bool
    """Whether the sound's level alone decided."""


def blocks_of(seconds: float) -> int:
    """Return how many blocks that is, one at least."""
    return max(1, round(seconds * RATE_HZ / BLOCK))


class Senses:
    """Judges block after block. While the receiver's word is missing, the sound's level stands in for it."""

    def __init__(self, squelch: Squelch) -> None:
        self.floor = Floor(blocks_of(squelch.floor_window_s))
        self.idle = IdleFloor(squelch)
        self._kind = squelch.kind
        self._open_ratio = ratio(squelch.open_db)
        self._hold_ratio = ratio(squelch.hold_db)
        self._faint_ratio = ratio(squelch.hold_db - 1.0)
        self._quietest = ratio(squelch.quietest_dbfs)
        self._rssi_opens_dbm = squelch.rssi_dbm
        self._rssi_holds_dbm = squelch.rssi_dbm - squelch.rssi_hold_db
        self._levels: deque[float] = deque(maxlen=_LEVEL_BLOCKS)

    def hear(self, power: float, told: Told, position: int) -> Sensed:
        """Take the block that ends at `position`, its mean square and what the receiver says of it."""
        self.floor.hear(power)
        self._levels.append(power)
        level = sum(self._levels) / len(self._levels)
        floor, quietest = self.floor.power, self._quietest
        is_faint = level > max(floor * self._faint_ratio, quietest * 0.5)
        kind = self._kind if self._is_told(told) else SquelchKind.VOX
        vox = self._vox(level, position) if "vox" in kind.senses else _ABSENT
        if kind.senses == {"vox"}:
            rises, holds = vox if kind.text == "vox" else kind.judge({"vox": vox})
            return Sensed(rises, holds, is_faint, is_off=False, by_level=True)
        lines = self._lines(told)
        rises, holds = kind.judge({"vox": vox, **lines})
        is_off = not (holds or any(kind.judge({"vox": any_, **lines})[1] for any_ in (_SURE, _ABSENT)))
        return Sensed(rises, holds, is_faint, is_off, by_level=False)

    def forget(self) -> None:
        """Begin anew after a stretch that was not listened to; the floor stays."""
        self._levels.clear()
        self.idle.forget()

    def _is_told(self, told: Told) -> bool:
        senses = self._kind.senses
        return not (
            ("carrier" in senses and told.carrier is None) or ("rssi" in senses and told.rssi_dbm is None)
        )

    def _vox(self, level: float, position: int) -> Verdict:
        floor, quietest = self.floor.power, self._quietest
        rises = level > max(floor * self._open_ratio, quietest)
        self.idle.hear(position, is_modulated=rises)
        return rises, level > max(min(floor * self._hold_ratio, self.idle.carrier_power), quietest * 0.5)

    def _lines(self, told: Told) -> Mapping[str, Verdict]:
        rssi_dbm = -math.inf if told.rssi_dbm is None else told.rssi_dbm
        return {
            "carrier": _SURE if told.carrier else _ABSENT,
            "rssi": (rssi_dbm >= self._rssi_opens_dbm, rssi_dbm >= self._rssi_holds_dbm),
        }


class IdleFloor:
    """The floor from before the opening, for as long as what stands above it is believed to be a carrier."""

    def __init__(self, squelch: Squelch) -> None:
        self.carrier_power = math.inf
        """The mean square from which a carrier is up; infinite while no floor is remembered."""
        self._ratio = ratio(squelch.carrier_db)
        self._stuck = round(squelch.stuck_s * RATE_HZ)
        self._longest = round(squelch.longest_carrier_s * RATE_HZ)
        self._since = 0
        self._modulated_at = 0

    def remember(self, floor: Floor, position: int) -> None:
        """Something rises above the floor at `position`."""
        if floor.is_heard:
            self.carrier_power = floor.power * self._ratio
        self._since = self._modulated_at = position

    def hear(self, position: int, *, is_modulated: bool) -> None:
        """Note whether speech, or what moves like it, is heard until `position`."""
        if is_modulated:
            self._modulated_at = position
        if position - self._modulated_at > self._stuck or position - self._since > self._longest:
            self.forget()

    def forget(self) -> None:
        """Believe in no carrier any more."""
        self.carrier_power = math.inf
