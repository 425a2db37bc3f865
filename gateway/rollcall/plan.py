"""Whom a roll-call calls, in which order, with which words, and how long it waits. Pure."""

from collections.abc import Collection, Iterable, Sequence
from random import Random
from typing import Final, Literal, Self

from pydantic import Field, model_validator

from gateway.events import Model
from gateway.model import Unit
from gateway.phrases import Phrases
from gateway.rollcall.sheet import Item, Kind, Sheet

Order = Literal["registry", "as_listed", "random"]
_EXCUSED_STATES: Final = frozenset({"holiday", "disabled"})


class PlannedUnit(Model):
    """A unit to be called. `name` is how it is called on the air."""

    unit_id: str
    name: str


class Plan(Model):
    """A roll-call before it begins; times are seconds.

    Each unit is called up to `calls_per_unit` times in each of `rounds` rounds, as long as it has not
    answered, with `wait_s` to begin its answer each time. After the rounds those who are still missing are
    called together once and have `last_call_wait_s`; 0 leaves that out. A channel that is busy, or a radio
    that cannot key up, is tried again `busy_tries` times, `busy_retry_s` apart. A reply that is still being
    received or understood holds the roll-call up for at most `hold_s`.
    """

    rollcall_id: str
    radio: str
    command_post: str
    units: tuple[PlannedUnit, ...]
    excused: tuple[PlannedUnit, ...] = ()
    kind: Kind = "rollcall"
    phrases: Phrases = Phrases()
    calls_per_unit: int = Field(default=2, ge=1, le=10)
    rounds: int = Field(default=1, ge=1, le=10)
    wait_s: float = Field(default=15.0, gt=0)
    ask_headcount: bool = True
    last_call_wait_s: float = Field(default=30.0, ge=0)
    busy_retry_s: float = Field(default=3.0, gt=0)
    busy_tries: int = Field(default=10, ge=1)
    hold_s: float = Field(default=90.0, gt=0)

    @model_validator(mode="after")
    def _each_unit_once(self) -> Self:
        ids = [unit.unit_id for unit in (*self.units, *self.excused)]
        if len(ids) != len(set(ids)):
            twice = next(unit_id for unit_id in ids if ids.count(unit_id) > 1)
            raise ValueError(f"unit {twice!r} is planned twice")
        return self

    def say(self, purpose: str, unit_id: str | None = None) -> str:
        """The words for one purpose, empty when it is not said."""
        name = next((unit.name for unit in self.units if unit.unit_id == unit_id), "")
        phrase: str = getattr(self.phrases, purpose)
        return phrase.replace("{me}", self.command_post).replace("{unit}", name)

    def blank_sheet(self, at: str) -> Sheet:
        """The sheet as it is before the first call; `at` is when the roll-call began, ISO 8601."""
        items = {u.unit_id: Item(unit_id=u.unit_id, name=u.name) for u in self.units}
        items |= {
            u.unit_id: Item(unit_id=u.unit_id, name=u.name, outcome="excused", reasons=("off_duty",))
            for u in self.excused
        }
        return Sheet.model_validate(
            {
                "rollcall_id": self.rollcall_id,
                "radio": self.radio,
                "kind": self.kind,
                "mode": "conducted",
                "started_at": at,
                "items": items,
            }
        )


def choose_units(
    registry: Iterable[Unit],
    *,
    streets: Collection[str] = (),
    classes: Collection[str] = (),
    unit_ids: Sequence[str] = (),
    sample: int | None = None,
    order: Order = "registry",
    random: Random,
) -> tuple[tuple[PlannedUnit, ...], tuple[PlannedUnit, ...]]:
    """Choose whom to call; return those and those who are excused (放假, 停用) though they were meant.

    Args:
        registry: every unit there is.
        streets: only units of these streets, all when empty; `classes` and `unit_ids` likewise.
        classes: unit classes, A to D.
        unit_ids: a list of units; with order "as_listed" they are called in its order.
        sample: draw this many at random, after those on leave are left out; None for all.
        order: in which order to call.
        random: draws sample and order.

    Raises:
        ValueError: a listed unit is not in the registry, or nobody is left to be called.
    """
    units = list(registry)
    known = {unit.unit_id for unit in units}
    if missing := [unit_id for unit_id in unit_ids if unit_id not in known]:
        raise ValueError(f"unit {missing[0]!r} is not in the registry")
    meant = [
        unit
        for unit in units
        if (not streets or unit.street in streets)
        and (not classes or unit.unit_class in classes)
        and (not unit_ids or unit.unit_id in unit_ids)
    ]
    called = [unit for unit in meant if unit.state not in _EXCUSED_STATES]
    if not called:
        raise ValueError("nobody is left to be called; choose other units or other states")
    if sample is not None and sample < len(called):
        drawn = {unit.unit_id for unit in random.sample(called, max(1, sample))}
        called = [unit for unit in called if unit.unit_id in drawn]
    if order == "random":
        random.shuffle(called)
    elif order == "as_listed" and unit_ids:
        called.sort(key=lambda unit: unit_ids.index(unit.unit_id))
    excused = [unit for unit in meant if unit.state in _EXCUSED_STATES]
    return _planned(called), _planned(excused)


def _planned(units: Iterable[Unit]) -> tuple[PlannedUnit, ...]:
    return tuple(PlannedUnit(unit_id=unit.unit_id, name=unit.name) for unit in units)
