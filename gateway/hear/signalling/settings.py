"""What a radio may send as its id, and how strictly it is read."""

from dataclasses import dataclass
from typing import Literal

System = Literal["dtmf", "mdc1200", "fivetone", "ctcss"]
Standard = Literal["ZVEI1", "ZVEI2", "CCIR", "EEA"]


@dataclass(frozen=True, slots=True)
class SignallingSettings:
    """Which decoders run on a channel.

    `dtmf_digits` is the shortest run of DTMF digits taken for an id, `dtmf_pause_s` the longest pause in it.
    `fivetone_digits` are the accepted lengths of a tone sequence. ZVEI2 differs from ZVEI1 only in its
    repeat tone, so name one of the two.
    """

    systems: frozenset[System] = frozenset(("dtmf", "mdc1200", "fivetone", "ctcss"))
    dtmf_digits: int = 3
    dtmf_pause_s: float = 0.5
    fivetone_standards: tuple[Standard, ...] = ("ZVEI1", "CCIR", "EEA")
    fivetone_digits: tuple[int, ...] = (5,)


EVERYTHING = SignallingSettings()
