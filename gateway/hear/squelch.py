"""How a squelch is set, and what it says. Pure; the segmenter's docstring explains how it works."""

from dataclasses import dataclass

from gateway.model import End, Pcm
from gateway.squelchkind import SquelchKind


@dataclass(frozen=True, slots=True)
class Squelch:
    """How transmissions are cut. Levels are of the band from 300 to 3,000 Hz.

    `quietest_dbfs` is the level that a signal must have however low the floor is. `carrier_db` above the
    floor before the opening, a carrier is up; it is no longer believed in after `stuck_s` without anything
    that moves as speech does, nor after `longest_carrier_s`. What begins within `flap_s` of a close and is
    shorter than `flap_length_s` is the tail of a squelch, unless it is voiced.

    Field strength opens from `rssi_dbm` on and holds until it is `rssi_hold_db` under it. What opens has to
    last `min_length_s`, or `open_delay_s` when that is longer. A transmission is over when the receiver has
    said so for `close_delay_s`, or its sound is away for `hang_s`. `tail_s` of the hang time is kept, or
    `tail_cut_s` is cut off the end of the signal, where a receiver lets a burst of noise through. After
    `timeout_s` without a close the squelch is stuck: it closes and opens only after it has been closed in
    truth. After `flap_count` openings in a row shorter than `flap_length_s`, each within `flap_s` of the one
    before, only what lasts twice as long opens, until nothing has risen for `flap_rest_s`. Nothing is heard
    for `start_delay_s` after the device was opened, and for `deaf_s` after the gateway's own key-up.
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
    close_delay_s: float = 0.1
    open_delay_s: float = 0.0
    start_delay_s: float = 0.0
    deaf_s: float = 0.15
    tail_cut_s: float = 0.0
    timeout_s: float = 180.0
    rssi_dbm: float = -110.0
    rssi_hold_db: float = 3.0
    carrier_db: float = 6.0
    stuck_s: float = 12.0
    longest_carrier_s: float = 60.0
    flap_s: float = 1.0
    flap_length_s: float = 0.36
    flap_count: int = 8
    flap_rest_s: float = 5.0


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


@dataclass(frozen=True, slots=True)
class Told:
    """What the receiver says about its channel; None where it cannot, or cannot just now."""

    carrier: bool | None = None
    rssi_dbm: float | None = None
