"""The squelch itself: what opens, holds and closes it, a block at a time. Pure."""

from collections import deque

from gateway.hear.floor import BLOCK, Floor
from gateway.hear.senses import Senses, blocks_of
from gateway.hear.squelch import Closed, Opened, Squelch, Told
from gateway.model import RATE_HZ, End

_TRACE_BACK_BLOCKS = 30
_TRACE_GAP_BLOCKS = 2
_GIVE_UP_BLOCKS = 10
"""A candidate that stays without signal for this long was a click."""
_VOICE_LINE_SHARE = 0.4
"""Share of a block's power in its strongest line: noise passes this in 0.1 % of blocks, a vowel in 90 %."""


class Gate:
    """One step per block, positions in samples."""

    def __init__(self, squelch: Squelch) -> None:
        self.start: int | None = None
        """First sample of the announced transmission, None when the squelch is closed."""
        self.signal_end = 0
        self.quiet_blocks = 0
        self.max_length = max(BLOCK, round(squelch.max_length_s * RATE_HZ))
        self.end_reason = End.SILENCE if squelch.kind.senses == {"vox"} else End.CARRIER
        self.is_stuck = False
        """Whether the squelch was forced to close, and what held it open has not gone away since."""
        self._tail = round((-squelch.tail_cut_s or squelch.tail_s) * RATE_HZ)
        self._uses_level = "vox" in squelch.kind.senses
        self._hang_blocks = blocks_of(squelch.hang_s)
        self._close_blocks = blocks_of(squelch.close_delay_s)
        self._pre_roll = round(squelch.pre_roll_s * RATE_HZ)
        self._min_blocks = blocks_of(max(squelch.min_length_s, squelch.open_delay_s))
        self._voiced_least = blocks_of(squelch.min_length_s)
        self._flaps = Flaps(squelch)
        self._tail_of_squelch_blocks = max(self._min_blocks, blocks_of(squelch.flap_length_s))
        self._give_up_blocks = max(_GIVE_UP_BLOCKS, min(self._min_blocks, self._hang_blocks))
        self._timeout = round(squelch.timeout_s * RATE_HZ)
        self._flap = round(squelch.flap_s * RATE_HZ)
        self._senses = Senses(squelch)
        self._position = 0
        self._free_from = 0
        self._opened_at = 0
        self._flap_until = 0
        self._faint: deque[bool] = deque(maxlen=_TRACE_BACK_BLOCKS)
        self._onset: int | None = None
        self._is_doubtful = False
        self._signal_blocks = 0
        self._voiced_blocks = 0
        self._off_blocks = 0

    @property
    def floor(self) -> Floor:
        """The noise floor."""
        return self._senses.floor

    @property
    def is_flapping(self) -> bool:
        """Whether the squelch opens and closes so fast that short openings are not believed."""
        return self._flaps.are_many

    def step(self, power: float, line: float, told: Told) -> list[Opened | Closed]:
        """Take the next block's power and the share of it in its strongest line; return what they change."""
        self._position += BLOCK
        sensed = self._senses.hear(power, told, self._position)
        self._faint.append(sensed.is_faint)
        self._off_blocks = self._off_blocks + 1 if sensed.is_off else 0
        if self.start is not None:
            return self._step_open(holds=sensed.holds, by_level=sensed.by_level)
        if self.is_stuck:
            self._wait_until_closed(holds=sensed.holds)
            return []
        if self._onset is None:
            if sensed.rises:
                self._begin(by_level=sensed.by_level)
            else:
                self._flaps.rest(self._position)
        if self._onset is None:
            return []
        return self._step_closed(holds=sensed.holds, is_voiced=line > _VOICE_LINE_SHARE)

    def step_deaf(self) -> list[Opened | Closed]:
        """Pass over a block that must not be listened to; an open transmission ends before it."""
        changes = self.cut()
        if self.start is not None:
            end = self.audible_end()
            changes.append(Closed(end, min(self.signal_end, end), End.STOPPED))
            self.close(end)
        self._position += BLOCK
        self._free_from = self._position
        self._off_blocks = 0
        self._faint.clear()
        self._give_up()
        self._senses.forget()
        return changes

    def audible_end(self, position: int | None = None) -> int:
        """How far the open transmission can be handed out at `position`, None being now."""
        start, heard = self.start or 0, self._position if position is None else position
        # However much is cut off the tail, something is left.
        least = min(self.signal_end, start + BLOCK)
        return max(least, min(heard, self.signal_end + self._tail, start + self.max_length))

    def earliest_start(self) -> int:
        """The first sample that a transmission not yet announced could begin with."""
        onset = self._onset
        if onset is None:
            onset = self._position - _TRACE_BACK_BLOCKS * BLOCK
        return max(self._free_from, onset - self._pre_roll)

    def close(self, end: int) -> None:
        """Forget the open transmission, whose last sample was before `end`."""
        self._flaps.closed(self._opened_at, self.signal_end, self._position)
        self.start = None
        self._free_from = end
        self._flap_until = self._position + self._flap
        self._give_up()
        self.quiet_blocks = 0

    def _begin(self, *, by_level: bool) -> None:
        """Something rises: a candidate for a transmission."""
        self._onset = self._trace_back()
        self._flaps.rise(self._position)
        self._is_doubtful = by_level and self._position <= self._flap_until
        self._signal_blocks = self._voiced_blocks = self.quiet_blocks = 0
        self._senses.idle.remember(self.floor, self._position)

    def _step_closed(self, *, holds: bool, is_voiced: bool) -> list[Opened | Closed]:
        assert self._onset is not None
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
        if self._signal_blocks < max(self._min_blocks, self._flaps.least_blocks):
            return []
        if (
            self._is_doubtful
            and self._signal_blocks < self._tail_of_squelch_blocks
            and self._voiced_blocks < self._voiced_least
        ):
            return []
        self.start = self.earliest_start()
        self._opened_at = self._onset
        return [Opened(self.start, self._onset)]

    def _step_open(self, *, holds: bool, by_level: bool) -> list[Opened | Closed]:
        if holds:
            self.quiet_blocks = 0
            self.signal_end = self._position
        else:
            self.quiet_blocks += 1
        self.is_stuck = self._position - self._opened_at > self._timeout
        reason = End.MAX_LENGTH if self.is_stuck else self._why_over(by_level=by_level)
        changes = self.cut()
        if reason is not None and self.start is not None:
            end = self.audible_end()
            changes.append(Closed(end, min(self.signal_end, end), reason))
            self.close(end)
        return changes

    def _why_over(self, *, by_level: bool) -> End | None:
        if self._off_blocks >= self._close_blocks:
            return End.CARRIER
        if (self._uses_level or by_level) and self.quiet_blocks >= self._hang_blocks:
            return End.SILENCE
        return None

    def _wait_until_closed(self, *, holds: bool) -> None:
        self.quiet_blocks = 0 if holds else self.quiet_blocks + 1
        self.is_stuck = self.quiet_blocks < self._give_up_blocks

    def _give_up(self) -> None:
        self._onset = None
        self._signal_blocks = 0
        self._senses.idle.forget()

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


class Flaps:
    """Counts openings that are too short and too close together to be people."""

    def __init__(self, squelch: Squelch) -> None:
        self._count = 0
        self._most = squelch.flap_count
        self._shortest = round(squelch.flap_length_s * RATE_HZ)
        self._within = round(squelch.flap_s * RATE_HZ)
        self._rest = round(squelch.flap_rest_s * RATE_HZ)
        self._closed_at = -self._within
        self._quiet_from = 0
        self._believed_blocks = 2 * blocks_of(squelch.flap_length_s)

    @property
    def are_many(self) -> bool:
        """Whether the squelch flaps."""
        return self._count >= self._most

    @property
    def least_blocks(self) -> int:
        """How many blocks of signal an opening needs just now, 0 while the squelch does not flap."""
        return self._believed_blocks if self.are_many else 0

    def closed(self, onset: int, signal_end: int, position: int) -> None:
        """Note an opening from `onset` to `signal_end` that closes now."""
        is_short = signal_end - onset < self._shortest
        is_soon = onset - self._closed_at <= self._within
        self._count = 0 if not is_short else self._count + 1 if is_soon else 1
        self._closed_at = self._quiet_from = position

    def rise(self, position: int) -> None:
        """Note that something rises at `position`."""
        self._quiet_from = position

    def rest(self, position: int) -> None:
        """Note that nothing rises at `position`."""
        if self._count and position - self._quiet_from > self._rest:
            self._count = 0
