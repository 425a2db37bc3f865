"""`[rollcall]` of the configuration: how a roll-call is held, and when one begins by itself."""

import re
from datetime import time
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from gateway.phrases import Phrases

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WINDOW: Final = re.compile(r"(\d\d):(\d\d)-(\d\d):(\d\d)")
Calls = Annotated[int, Field(ge=1, le=10)]
Rounds = Annotated[int, Field(ge=1, le=10)]
Seconds = Annotated[float, Field(gt=0.0, le=600.0)]
LastCall = Annotated[float, Field(ge=0.0, le=600.0)]
Order = Literal["registry", "as_listed", "random"]


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class HowToCall(_Settings):
    """How one roll-call differs from the station's usual way; None is as usual. Times are seconds."""

    order: Order | None = None
    calls: Calls | None = None
    wait_s: Seconds | None = None
    rounds: Rounds | None = None
    last_call_s: LastCall | None = None
    ask_headcount: bool | None = None


class ScheduleSettings(HowToCall):
    """A recurring roll-call: on which days, in which window, of whom.

    With `random` it begins at a moment drawn in the window (暗拉), otherwise when the window opens. A window
    such as 22:00-02:00 ends on the next day. Without `radio` every radio calls the units of its own streets.
    """

    name: Annotated[str, StringConstraints(pattern=r"^[^/\x00-\x1f]+$", min_length=1, max_length=60)]
    days: tuple[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], ...] = DAYS
    window: str
    random: bool = False
    radio: str | None = None
    streets: tuple[str, ...] = ()
    classes: tuple[Literal["A", "B", "C", "D"], ...] = ()
    units: tuple[str, ...] = ()
    sample: Annotated[int, Field(ge=1)] | None = None

    @model_validator(mode="after")
    def _is_a_window(self) -> Self:
        self.times()
        return self

    def times(self) -> tuple[time, time]:
        """Return when the window opens and closes.

        Raises:
            ValueError: it is none.
        """
        found = _WINDOW.fullmatch(self.window)
        if found is None:
            raise ValueError(f"window is {self.window!r}, write it as 08:00-09:30")
        hours = [int(part) for part in found.groups()]
        try:
            opens, closes = time(hours[0], hours[1]), time(hours[2] % 24, hours[3])
        except ValueError as error:
            raise ValueError(f"window is {self.window!r}: {error}") from None
        if opens == closes:
            raise ValueError(f"window is {self.window!r}, must be open for a while")
        return opens, closes


class ScoreSettings(_Settings):
    """Points for each thing asked of a unit; see the README for how they add up."""

    answered: Annotated[float, Field(ge=0)] = 30.0
    speed: Annotated[float, Field(ge=0)] = 20.0
    headcount: Annotated[float, Field(ge=0)] = 20.0
    report: Annotated[float, Field(ge=0)] = 10.0
    arrived: Annotated[float, Field(ge=0)] = 20.0
    full_speed_s: Annotated[float, Field(ge=0)] = 30.0
    """Answers up to here have all points for speed, those from `no_speed_s` none."""
    no_speed_s: Annotated[float, Field(gt=0)] = 180.0
    late_share: Annotated[float, Field(ge=0, le=1)] = 0.5
    """What a late answer, or one that another unit gave, is worth of `answered`."""

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if self.answered + self.speed + self.headcount + self.report <= 0:
            raise ValueError("all points are 0; give some for answered, speed, headcount or report")
        if self.full_speed_s >= self.no_speed_s:
            raise ValueError("full_speed_s must be less than no_speed_s")
        return self


class RollcallSettings(_Settings):
    """How a roll-call is held here. Times are seconds.

    Each unit is called up to `calls` times in each of `rounds` rounds and has `wait_s` to begin its answer;
    then all who are missing are called together and have `last_call_s`, 0 leaves that out.
    """

    calls: Calls = 2
    wait_s: Seconds = 15.0
    rounds: Rounds = 1
    last_call_s: LastCall = 30.0
    ask_headcount: bool = True
    order: Order = "registry"
    busy_retry_s: Seconds = 3.0
    busy_tries: Annotated[int, Field(ge=1, le=100)] = 10
    phrases: Phrases = Phrases()
    score: ScoreSettings = ScoreSettings()
    schedule: tuple[ScheduleSettings, ...] = ()

    @model_validator(mode="after")
    def _distinct_names(self) -> Self:
        names = [one.name for one in self.schedule]
        for twice in sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"two schedules are called {twice!r}; each needs a name of its own")
        return self
