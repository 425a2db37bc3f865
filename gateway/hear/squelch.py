"""The squelch: what opens, holds and closes it. Pure; the segmenter's docstring explains how it works."""

import math
from collections import deque
from dataclasses import dataclass
from enum import StrEnum

from gateway.hear.floor import BLOCK, Floor, ratio
from gateway.model import RATE_HZ, End, Pcm

_BLOCK_S = BLOCK / RATE_HZ
_LEVEL_BLOCKS = 3
_TRACE_BACK_BLOCKS = 30
_TRACE_GAP_BLOCKS = 2
_GIVE_UP_BLOCKS = 10
"""A candidate that stays without signal for this long was a click."""
_VOICE_LINE_SHARE = 0.4
"""Share of a block's power in its strongest line: noise passes this in 0.1 % of blocks, a vowel in 90 %."""


class SquelchKind(StrEnum):
    """What opens the squelch."""

    VOX = "vox"
    CARRIER = "carrier"
    BOTH = "vox & carrier"


@dataclass(frozen=True, slots=True)
class Squelch:
    """How transmissions are cut. Levels are of the band from 300 to 3,000 Hz.

    `quietest_dbfs` is the level that a signal must have however low the floor is. `carrier_db` above the
    floor before the opening, a carrier is up; it is no longer believed in after `stuck_s` without anything
    that moves as speech does, nor after `longest_carrier_s`. What begins within `flap_s` of a close and is
    shorter than `flap_length_s` is the tail of a squelch, unless it is voiced.
    """

    kind: SquelchKind = SquelchKind.VOX
    open_db: float = 5.0
    hold_db: float = 2.5
    quietest_dbfs: float = -62.0
    floor_window_s: float = 4.0
    pre_roll_s: float = 0.3
    hang_s: float = 0.8
    tail_s: float = 0.3
    min_length_s: float = 0.14
    max_length_s: float = 60.0
    carrier_hang_s: float = 0.1
    carrier_db: float = 6.0
    stuck_s: float = 12.0
    longest_carrier_s: float = 60.0
    flap_s: float = 1.0
    flap_length_s: float = 0.36


@dataclass(frozen=True, slots=True)
class Opened:
    """A transmission has begun. `start` is its first sample, `onset` where the signal itself rose."""

    start: int
    onset: int


@dataclass(frozen=True, slots=True)
class Audio:
    """The next samples of the open transmission; `start` is the position of the first of them."""

    start: int
    pcm: Pcm


@dataclass(frozen=True, slots=True)
class Closed:
    """The transmission has ended. `end` is one past its last sample, `signal_end` where the signal fell."""

    end: int
    signal_end: int
    reason: End


SquelchEvent = Opened | Audio | Closed


class Gate:
    """The squelch itself: one step per block, positions in samples."""

    def __init__(self, squelch: Squelch) -> None:
        self.floor = Floor(_blocks(squelch.floor_window_s))
        self.start: int | None = None
        """First sample of the announced transmission, None when the squelch is closed."""
        self.signal_end = 0
        self.quiet_blocks = 0
        self.tail = round(squelch.tail_s * RATE_HZ)
        self.max_length = max(BLOCK, round(squelch.max_length_s * RATE_HZ))
        self.end_reason = End.SILENCE if squelch.kind is SquelchKind.VOX else End.CARRIER
        self._kind = squelch.kind
        self._hang_blocks = _blocks(squelch.hang_s)
        self._carrier_hang_blocks = _blocks(squelch.carrier_hang_s)
        self._pre_roll = round(squelch.pre_roll_s * RATE_HZ)
        self._min_blocks = _blocks(squelch.min_length_s)
        self._flap = round(squelch.flap_s * RATE_HZ)
        self._flap_blocks = max(self._min_blocks, _blocks(squelch.flap_length_s))
        self._give_up_blocks = max(_GIVE_UP_BLOCKS, min(self._min_blocks, self._hang_blocks))
        self._open_ratio = ratio(squelch.open_db)
        self._hold_ratio = ratio(squelch.hold_db)
        self._faint_ratio = ratio(squelch.hold_db - 1.0)
        self._quietest = ratio(squelch.quietest_dbfs)
        self._idle = _IdleFloor(squelch)
        self._position = 0
        self._free_from = 0
        self._flap_until = 0
        self._levels: deque[float] = deque(maxlen=_LEVEL_BLOCKS)
        self._faint: deque[bool] = deque(maxlen=_TRACE_BACK_BLOCKS)
        self._onset: int | None = None
        self._is_doubtful = False
        self._signal_blocks = 0
        self._voiced_blocks = 0
        self._off_blocks = 0

    def step(self, power: float, line: float, *, carrier: bool) -> list[Opened | Closed]:
        """Take the next block's power and the share of it in its strongest line; return what they change."""
        self._position += BLOCK
        self.floor.hear(power)
        self._levels.append(power)
        level = sum(self._levels) / len(self._levels)
        floor, quietest = self.floor.power, self._quietest
        self._faint.append(level > max(floor * self._faint_ratio, quietest * 0.5))
        if self._kind is SquelchKind.CARRIER:
            rises = holds = carrier
        else:
            rises = level > max(floor * self._open_ratio, quietest)
            self._idle.hear(self._position, is_modulated=rises)
            holds = level > max(min(floor * self._hold_ratio, self._idle.carrier_power), quietest * 0.5)
            if self._kind is SquelchKind.BOTH:
                rises, holds = rises and carrier, holds and carrier
        self._off_blocks = 0 if carrier else self._off_blocks + 1
        if self.start is not None:
            return self._step_open(holds=holds)
        return self._step_closed(rises=rises, holds=holds, is_voiced=line > _VOICE_LINE_SHARE)

    def audible_end(self) -> int:
        """How far the open transmission can be handed out already."""
        start = self.start or 0
        return min(self._position, self.signal_end + self.tail, start + self.max_length)

    def earliest_start(self) -> int:
        """The first sample that a transmission not yet announced could begin with."""
        onset = self._onset
        if onset is None:
            onset = self._position - _TRACE_BACK_BLOCKS * BLOCK
        return max(self._free_from, onset - self._pre_roll)

    def close(self, end: int) -> None:
        """Forget the open transmission, whose last sample was before `end`."""
        self.start = None
        self._free_from = end
        self._flap_until = self._position + self._flap
        self._give_up()
        self.quiet_blocks = 0

    def _step_closed(self, *, rises: bool, holds: bool, is_voiced: bool) -> list[Opened | Closed]:
        if self._onset is None:
            if not rises:
                return []
            self._onset = self._trace_back()
            self._is_doubtful = self._kind is SquelchKind.VOX and self._position <= self._flap_until
            self._signal_blocks = self._voiced_blocks = self.quiet_blocks = 0
            self._idle.remember(self.floor, self._position)
        if holds:
            self._signal_blocks += 1
            self._voiced_blocks += is_voiced
            self.quiet_blocks = 0
            self.signal_end = self._position
        else:
            self.quiet_blocks += 1
        if self.quiet_blocks >= self._give_up_blocks:
            self._give_up()
            return []
        if self._signal_blocks < self._min_blocks:
            return []
        if (
            self._is_doubtful
            and self._signal_blocks < self._flap_blocks
            and self._voiced_blocks < self._min_blocks
        ):
            return []
        self.start = self.earliest_start()
        return [Opened(self.start, self._onset)]

    def _step_open(self, *, holds: bool) -> list[Opened | Closed]:
        if holds:
            self.quiet_blocks = 0
            self.signal_end = self._position
            return self.cut()
        self.quiet_blocks += 1
        reason = self._why_over()
        if reason is None:
            return []
        changes = self.cut()
        end = self.audible_end()
        changes.append(Closed(end, min(self.signal_end, end), reason))
        self.close(end)
        return changes

    def _why_over(self) -> End | None:
        if self._kind is not SquelchKind.VOX and self._off_blocks >= self._carrier_hang_blocks:
            return End.CARRIER
        if self._kind is not SquelchKind.CARRIER and self.quiet_blocks >= self._hang_blocks:
            return End.SILENCE
        return None

    def _give_up(self) -> None:
        self._onset = None
        self._signal_blocks = 0
        self._idle.forget()

    def cut(self) -> list[Opened | Closed]:
        """Cut the open transmission where its signal goes past the maximum length."""
        changes: list[Opened | Closed] = []
        while self.start is not None and self.signal_end > self.start + self.max_length:
            limit = self.start + self.max_length
            changes += [Closed(limit, limit, End.MAX_LENGTH), Opened(limit, limit)]
            self.start = limit
        return changes

    def _trace_back(self) -> int:
        """Return where the faint beginning of the signal lies that has just crossed the threshold."""
        faint_from, gap = 1, 0
        for age, is_faint in enumerate(reversed(self._faint), start=1):
            if is_faint:
                faint_from, gap = age, 0
            else:
                gap += 1
                if gap > _TRACE_GAP_BLOCKS:
                    break
        return max(self._free_from, self._position - faint_from * BLOCK)


class _IdleFloor:
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


def _blocks(seconds: float) -> int:
    return max(1, round(seconds / _BLOCK_S))
