"""Where one transmission ends and the next begins.

Theory of operation
-------------------
*What is measured.* The signal is cut into blocks of 20 ms at fixed positions since the start of the stream.
Each block is weighted with a Hann window and its energy between 300 and 3,000 Hz taken from an FFT: that is
what a radio's audio path passes, so hum, DC and rumble below and hiss above it do not count. Because blocks
lie at absolute positions, the result cannot depend on how the stream was cut into chunks.

*What it is compared with.* The noise floor is the quietest 0.2 s of the last four seconds. It falls at once
and rises only when four seconds have passed without anything quieter, so people, who pause between words,
hardly lift it, while fan noise, an open squelch, a whistle or a stuck carrier become the floor and let go of
the squelch after four seconds. Recordings can hold digital silence, against which every rounding error is
loud, so there is an absolute level under which nothing is a signal.

*Opening.* The mean of three blocks has to rise `open_db` above the floor. A candidate then has to
collect `min_length_s` of signal before it is announced; a click does not. The beginning is traced back from
there through the faint blocks that lead up to it, and `pre_roll_s` before them is added, because the first
syllable is often weaker than the threshold. A transmission never reaches back into the one before it.

*Staying open.* `hold_db` is lower than the opening threshold. When the level stays under it for
`hang_s` the transmission closes; a comma is shorter than that. Of the hang time only `tail_s` is handed
out, so recordings do not end in long noise. A receiver whose squelch lifts the noise while somebody
transmits needs no special case: the lifted noise is a signal until the carrier drops.

*The start of the stream.* There is no past to take a floor from, and both a file that begins inside a word
and one that begins with steady noise exist. The first second is therefore held back. Where its quietest 0.2 s
is steady and broad, that is the floor; where it is unsteady (somebody talks) or a single line (a tone), the
floor must lie lower, and the stream starts with an open squelch. A whole recording shorter than a second was
cut by somebody, to what they meant.

*A carrier flag.* When the radio tells whether it hears a carrier, the flag replaces the level (`carrier`) or
both are needed (`vox & carrier`); the end of a transmission is then the end of its carrier.

Everything is counted in samples, and a sample handed out is never handed out twice or left out: the Audio
events between Opened and Closed are exactly the samples from `start` to `end`.
"""

from collections import deque
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from gateway.hear.floor import BLOCK, Floor, measure, ratio, starting_floor
from gateway.model import RATE_HZ, End, Pcm

_BLOCK_S = BLOCK / RATE_HZ
_LEVEL_BLOCKS = 3
_START_BLOCKS = 50
_TRACE_BACK_BLOCKS = 30
_TRACE_GAP_BLOCKS = 2
_GIVE_UP_BLOCKS = 10
"""A candidate that stays without signal for this long was a click."""
_FLUSH_HANG_BLOCKS = 5
"""At the end of the stream, this long without signal counts as having ended before it."""


class SquelchKind(StrEnum):
    """What opens the squelch."""

    VOX = "vox"
    CARRIER = "carrier"
    BOTH = "vox & carrier"


@dataclass(frozen=True, slots=True)
class Squelch:
    """How transmissions are cut. Levels are of the band from 300 to 3,000 Hz.

    `quietest_dbfs` is the level that a signal must have however low the floor is.
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


class Segmenter:
    """Cuts one stream of samples into transmissions. Pure: no clock, no thread, no I/O.

    Positions count samples from 0 at the first one fed. Feed chunks of any size; events come in the order
    Opened, Audio (one or more), Closed.
    """

    def __init__(self, squelch: Squelch | None = None) -> None:
        self._squelch = squelch or Squelch()
        self._gate = _Gate(self._squelch)
        self._held: Pcm = np.empty(0, dtype=np.int16)
        self._held_start = 0
        self._measured = 0
        self._judged = 0
        self._handed_out = 0
        self._carrier_changes: deque[tuple[int, bool]] = deque()
        self._carrier = False
        self._start_powers: list[float] | None = []
        self._start_lines: list[float] = []

    @property
    def position(self) -> int:
        """How many samples have been fed."""
        return self._held_start + len(self._held)

    @property
    def is_open(self) -> bool:
        """Whether a transmission has been announced and not yet closed."""
        return self._gate.start is not None

    @property
    def floor_dbfs(self) -> float:
        """The noise floor now, in dBFS of the speech band."""
        return 10.0 * float(np.log10(max(self._gate.floor.power, 1e-12)))

    def feed(self, pcm: Pcm, carrier: bool | None = None) -> list[SquelchEvent]:
        """Take the next samples. `carrier` is the receiver's flag for them, None when it has none."""
        if carrier is not None:
            self._carrier_changes.append((self.position, carrier))
        self._held = np.concatenate([self._held, pcm]) if self._held.size else np.array(pcm, dtype=np.int16)
        ready = (self.position - self._measured) // BLOCK
        events: list[SquelchEvent] = []
        if ready:
            first = self._measured - self._held_start
            blocks = self._held[first : first + ready * BLOCK].reshape(-1, BLOCK)
            powers, lines = measure(blocks)
            self._measured += ready * BLOCK
            self._take(powers.tolist(), lines.tolist(), events)
        self._forget()
        return events

    def flush(self) -> list[SquelchEvent]:
        """End the stream: close what is open ("stopped" inside a signal, "silence" after it)."""
        events: list[SquelchEvent] = []
        if self._start_powers is not None:
            self._begin(events)
        gate = self._gate
        if gate.start is not None:
            stopped = gate.quiet_blocks < _FLUSH_HANG_BLOCKS
            if stopped:
                gate.signal_end = self.position
            self._apply(gate.cut(), events)
            end = min(self.position, gate.signal_end + gate.tail, gate.start + gate.max_length)
            self._apply([Closed(end, gate.signal_end, End.STOPPED if stopped else gate.end_reason)], events)
            gate.close(end)
        return events

    def _take(self, powers: list[float], lines: list[float], events: list[SquelchEvent]) -> None:
        if self._start_powers is None:
            self._run(powers, events)
            return
        self._start_powers += powers
        self._start_lines += lines
        if len(self._start_powers) >= _START_BLOCKS:
            self._begin(events)

    def _begin(self, events: list[SquelchEvent]) -> None:
        """Let the held-back start go, once there is enough of it to tell what the floor is."""
        powers = self._start_powers or []
        self._start_powers = None
        is_cut_short = len(powers) < _START_BLOCKS
        first_lines = self._start_lines[:_START_BLOCKS]
        self._gate.floor.assume(0.0 if is_cut_short else starting_floor(powers[:_START_BLOCKS], first_lines))
        self._run(powers, events)

    def _run(self, powers: list[float], events: list[SquelchEvent]) -> None:
        gate = self._gate
        for power in powers:
            self._judged += BLOCK
            while self._carrier_changes and self._carrier_changes[0][0] < self._judged:
                self._carrier = self._carrier_changes.popleft()[1]
            self._apply(gate.step(power, carrier=self._carrier), events)
        if gate.start is not None:
            self._hand_out(gate.audible_end(), events)

    def _apply(self, changes: list[Opened | Closed], events: list[SquelchEvent]) -> None:
        for change in changes:
            if isinstance(change, Closed):
                self._hand_out(change.end, events)
            else:
                self._handed_out = change.start
            events.append(change)

    def _hand_out(self, end: int, events: list[SquelchEvent]) -> None:
        if end > self._handed_out:
            first = self._handed_out - self._held_start
            pcm = self._held[first : first + end - self._handed_out].copy()
            events.append(Audio(self._handed_out, pcm))
            self._handed_out = end

    def _forget(self) -> None:
        """Drop samples that no transmission can reach any more."""
        if self._start_powers is not None:
            return
        keep = self._handed_out if self.is_open else self._gate.earliest_start()
        keep = min(keep, self._measured)
        if keep > self._held_start:
            self._held = self._held[keep - self._held_start :].copy()
            self._held_start = keep


class _Gate:
    """The squelch itself: one step per block, positions in samples."""

    def __init__(self, squelch: Squelch) -> None:
        self.floor = Floor(round(squelch.floor_window_s / _BLOCK_S))
        self.start: int | None = None
        """First sample of the announced transmission, None when the squelch is closed."""
        self.signal_end = 0
        self.quiet_blocks = 0
        self.tail = round(squelch.tail_s * RATE_HZ)
        self.max_length = max(BLOCK, round(squelch.max_length_s * RATE_HZ))
        self._kind = squelch.kind
        by_carrier = squelch.kind is not SquelchKind.VOX
        self.end_reason = End.CARRIER if by_carrier else End.SILENCE
        self._hang_blocks = max(
            1, round((squelch.carrier_hang_s if by_carrier else squelch.hang_s) / _BLOCK_S)
        )
        self._pre_roll = round(squelch.pre_roll_s * RATE_HZ)
        self._min_blocks = max(1, round(squelch.min_length_s / _BLOCK_S))
        self._give_up_blocks = max(_GIVE_UP_BLOCKS, min(self._min_blocks, self._hang_blocks))
        self._open_ratio = ratio(squelch.open_db)
        self._hold_ratio = ratio(squelch.hold_db)
        self._faint_ratio = ratio(squelch.hold_db - 1.0)
        self._quietest = ratio(squelch.quietest_dbfs)
        self._position = 0
        self._free_from = 0
        self._levels: deque[float] = deque(maxlen=_LEVEL_BLOCKS)
        self._faint: deque[bool] = deque(maxlen=_TRACE_BACK_BLOCKS)
        self._onset: int | None = None
        self._signal_blocks = 0

    def step(self, power: float, *, carrier: bool) -> list[Opened | Closed]:
        """Take the next block's power; return what it changes."""
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
            holds = level > max(floor * self._hold_ratio, quietest * 0.5)
            if self._kind is SquelchKind.BOTH:
                rises, holds = rises and carrier, holds and carrier
        return (
            self._step_closed(rises=rises, holds=holds)
            if self.start is None
            else self._step_open(holds=holds)
        )

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
        self._onset = None
        self._signal_blocks = 0
        self.quiet_blocks = 0

    def _step_closed(self, *, rises: bool, holds: bool) -> list[Opened | Closed]:
        if self._onset is None:
            if not rises:
                return []
            self._onset = self._trace_back()
            self._signal_blocks = self.quiet_blocks = 0
        if holds:
            self._signal_blocks += 1
            self.quiet_blocks = 0
            self.signal_end = self._position
        else:
            self.quiet_blocks += 1
        if self.quiet_blocks >= self._give_up_blocks:
            self._onset = None
            return []
        if self._signal_blocks < self._min_blocks:
            return []
        self.start = self.earliest_start()
        return [Opened(self.start, self._onset)]

    def _step_open(self, *, holds: bool) -> list[Opened | Closed]:
        if holds:
            self.quiet_blocks = 0
            self.signal_end = self._position
            return self.cut()
        self.quiet_blocks += 1
        if self.quiet_blocks < self._hang_blocks:
            return []
        changes = self.cut()
        end = self.audible_end()
        changes.append(Closed(end, min(self.signal_end, end), self.end_reason))
        self.close(end)
        return changes

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
