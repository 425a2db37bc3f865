"""Where one transmission ends and the next begins.

Theory of operation
-------------------
*What is measured.* The signal is cut into blocks of 20 ms at fixed positions since the start of the stream.
Each block is weighted with a Hann window and its energy between 300 and 3,000 Hz taken from an FFT: that is
what a radio's audio path passes, so hum, DC and rumble below and hiss above it do not count. Because blocks
lie at absolute positions, the result cannot depend on how the stream was cut into chunks.

*What it is compared with.* The noise floor is the quietest 0.2 s of the last four seconds. It falls at once
and rises only when four seconds have passed without anything quieter, so people, who pause between words,
hardly lift it. Recordings can hold digital silence, against which every rounding error is loud, so there is
an absolute level under which nothing is a signal.

*Opening.* The mean of three blocks has to rise `open_db` above the floor. A candidate then has to
collect `min_length_s` of signal before it is announced; a click does not. The beginning is traced back from
there through the faint blocks that lead up to it, and `pre_roll_s` before them is added, because the first
syllable is often weaker than the threshold. A transmission never reaches back into the one before it.

*Staying open.* `hold_db` above the floor is enough, less than opening needs. When the level stays under it
for `hang_s` the transmission closes; a comma is shorter than that. Of the hang time only `tail_s` is handed
out, so recordings do not end in long noise.

*A carrier that can be heard.* Most receivers are muted until somebody keys up, and then let the channel's
noise through with the voice. After four seconds that noise is the floor, and every long pause would look like
the end. So the floor from before the opening is remembered, and while the level stays `carrier_db` above it
the carrier is up and the transmission open, whoever pauses in it; the end comes when the carrier drops. A
receiver that is never muted has the same noise before and during a call and goes by `hold_db` alone.

*Letting go.* Fan noise, a whistle or a squelch that sticks would hold a transmission open for ever that way.
The remembered floor is therefore given up when nothing has risen `open_db` above the present floor, as speech
does all the time, for `stuck_s`, and after `longest_carrier_s` in any case, which no radio's time-out timer
allows. The four-second floor, which has meanwhile taken in the noise, then closes the transmission.

*The tail of the squelch.* A receiver mutes a moment after the carrier has dropped; what comes through is a
short burst of noise. Where a speaker keeps the button pressed on a quiet channel the transmission has closed
by then. So a signal that begins within `flap_s` of a close opens only once there are `flap_length_s` of it,
or `min_length_s` with the line spectrum of a voice, which no noise has: a quick "到" counts, the burst does
not. Speech that follows the burst without a gap is one transmission with it; nothing is left out.

*The start of the stream.* There is no past to take a floor from, and both a file that begins inside a word
and one that begins with steady noise exist. The first second is therefore held back. Where its quietest 0.2 s
is steady and broad, that is the floor; where it is unsteady (somebody talks) or a single line (a tone), the
floor must lie lower, and the stream starts with an open squelch and no floor worth remembering. Zeros before
half a second of steady noise are a sound card that starts, and say nothing about the floor. A whole recording
shorter than a second was cut by somebody, to what they meant.

*What the receiver says.* When the radio tells whether it hears a carrier, or how strong, that replaces the
level (`carrier`, `rssi`) or is combined with it (`vox & carrier`, `carrier | rssi`, `vox & !rssi`: see
gateway/squelchkind.py). The end of a transmission is then where the receiver says that nobody is there, with
`vox` also the end of the sound, and nothing is taken for the tail of a squelch. While the receiver says
nothing, because its control is away, the level alone decides: a station must not go deaf for want of a flag.

*Deafness.* A radio that transmits hears itself, or nothing. Such stretches are passed over: they open
nothing, end what is open, lend no audio to a pre-roll, and leave the noise floor alone, or the silence of a
keyed radio would become the floor and the channel's noise open the squelch afterwards.

*What is stuck or flaps.* Nobody talks for three minutes without a break or eight times a second, so a squelch
that does is not believed; see Squelch.

Everything is counted in samples, and a sample handed out is never handed out twice or left out: the Audio
events between Opened and Closed are exactly the samples from `start` to `end`.
"""

from collections import deque

import numpy as np

from gateway.hear.floor import BLOCK, StartingFloor, measure, starting_floor
from gateway.hear.gate import Gate
from gateway.hear.squelch import Audio, Closed, Opened, Squelch, SquelchEvent, Told
from gateway.model import RATE_HZ, End, Pcm
from gateway.squelchkind import SquelchKind

__all__ = ["Audio", "Closed", "Opened", "Segmenter", "Squelch", "SquelchEvent", "SquelchKind", "Told"]

_START_BLOCKS = 50
_FLUSH_HANG_BLOCKS = 5
"""At the end of the stream, this long without signal counts as having ended before it."""


class Segmenter:
    """Cuts one stream of samples into transmissions. Pure: no clock, no thread, no I/O.

    Positions count samples from 0 at the first one fed. Feed chunks of any size; events come in the order
    Opened, Audio (one or more), Closed.
    """

    def __init__(self, squelch: Squelch | None = None) -> None:
        self._squelch = squelch or Squelch()
        self._gate = Gate(self._squelch)
        self._held: Pcm = np.empty(0, dtype=np.int16)
        self._held_start = 0
        self._measured = 0
        self._judged = 0
        self._handed_out = 0
        self._told_changes: deque[tuple[int, Told]] = deque()
        self._told = self._last_told = Told()
        self._deaf: deque[tuple[int, int]] = deque()
        self._start_powers: list[float] | None = []
        self._start_lines: list[float] = []
        if self._squelch.start_delay_s:
            self.deafen(0, round(self._squelch.start_delay_s * RATE_HZ))

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

    @property
    def is_stuck(self) -> bool:
        """Whether the squelch was forced to close, and what holds it open has not gone away since."""
        return self._gate.is_stuck

    @property
    def is_flapping(self) -> bool:
        """Whether the squelch opens and closes so fast that short openings are not believed."""
        return self._gate.is_flapping

    def deafen(self, start: int, end: int) -> None:
        """Pass over the samples from `start` to before `end`, as far as they have not been judged yet.

        A stretch may be told while it lasts, with ever later ends; starts must not go back in time.
        """
        if self._deaf and start <= self._deaf[-1][1]:
            last_start, last_end = self._deaf.pop()
            start, end = min(start, last_start), max(end, last_end)
        if end > self._judged:
            self._deaf.append((start, end))

    def feed(
        self, pcm: Pcm, carrier: bool | None = None, rssi_dbm: float | None = None
    ) -> list[SquelchEvent]:
        """Take the next samples, and what the receiver says of them; None is what it cannot tell."""
        told = Told(carrier, rssi_dbm)
        if told != self._last_told:
            self._last_told = told
            self._told_changes.append((self.position, told))
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
            end = gate.audible_end(self.position)
            self._apply(
                [Closed(end, min(gate.signal_end, end), End.STOPPED if stopped else gate.end_reason)], events
            )
            gate.close(end)
        return events

    def _take(self, powers: list[float], lines: list[float], events: list[SquelchEvent]) -> None:
        if self._start_powers is None:
            self._run(powers, lines, events)
            return
        if not self._start_powers:
            # The floor is judged from the first second that is listened to.
            while powers and self._is_deaf():
                self._pass_over(events)
                del powers[0], lines[0]
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
        if is_cut_short:
            self._gate.floor.assume(StartingFloor(0.0, is_heard=False))
        else:
            self._gate.floor.assume(starting_floor(powers[:_START_BLOCKS], first_lines))
        self._run(powers, self._start_lines, events)
        self._start_lines = []

    def _run(self, powers: list[float], lines: list[float], events: list[SquelchEvent]) -> None:
        gate = self._gate
        for power, line in zip(powers, lines, strict=True):
            if self._deaf and self._is_deaf():
                self._pass_over(events)
                continue
            self._judged += BLOCK
            while self._told_changes and self._told_changes[0][0] < self._judged:
                self._told = self._told_changes.popleft()[1]
            self._apply(gate.step(power, line, self._told), events)
        if gate.start is not None:
            self._hand_out(gate.audible_end(), events)

    def _is_deaf(self) -> bool:
        """Whether the next block to be judged must be passed over."""
        while self._deaf and self._deaf[0][1] <= self._judged:
            self._deaf.popleft()
        return bool(self._deaf) and self._deaf[0][0] < self._judged + BLOCK

    def _pass_over(self, events: list[SquelchEvent]) -> None:
        self._judged += BLOCK
        self._apply(self._gate.step_deaf(), events)

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
