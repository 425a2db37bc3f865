"""From what was asked for to a plan for each radio: who is called where, and how. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Protocol

from gateway.model import Unit
from gateway.rollcall.plan import Order, Plan, choose_units
from gateway.rollcallsettings import RollcallSettings


class Asked(Protocol):
    """What a command or a schedule says of a roll-call; None where nothing."""

    @property
    def streets(self) -> Sequence[str]:
        """Only units of these, of all when empty; likewise `classes` and `units`."""

    @property
    def classes(self) -> Sequence[str]:
        """Unit classes."""

    @property
    def units(self) -> Sequence[str]:
        """Unit ids."""

    @property
    def sample(self) -> int | None:
        """How many to draw."""

    @property
    def order(self) -> Order | None:
        """In which order."""

    @property
    def calls(self) -> int | None:
        """Calls per unit and round."""

    @property
    def wait_s(self) -> float | None:
        """How long a unit has to begin its answer."""

    @property
    def rounds(self) -> int | None:
        """How many rounds."""

    @property
    def last_call_s(self) -> float | None:
        """How long the missing have after the last call."""

    @property
    def ask_headcount(self) -> bool | None:
        """Whether a head count is asked for."""


@dataclass(frozen=True, slots=True)
class Planned:
    """One plan per radio that has somebody to call, and how many units no radio reaches."""

    plans: tuple[Plan, ...]
    left_out: int


def plan_for(
    asked: Asked,
    radios: Mapping[str, Sequence[str]],
    units: Sequence[Unit],
    settings: RollcallSettings,
    command_post: str,
    new_id: Callable[[], str],
    random: Random,
) -> Planned:
    """Plan a roll-call on one radio, or side by side on several.

    Args:
        asked: what was asked for.
        radios: those that take part, each with its sub-districts; one alone reaches every unit.
        units: the registry.
        settings: the station's usual way.
        command_post: how the station is called on the air.
        new_id: names roll-calls.
        random: draws sample and order.

    Raises:
        ValueError: in words, when nobody is left to be called.
    """
    known = {unit.street for unit in units}
    if unknown := [street for street in asked.streets if street not in known]:
        raise ValueError(
            f"no unit belongs to the street {unknown[0]!r}; there is {', '.join(sorted(known - {''})[:20])}"
        )
    order = asked.order or ("as_listed" if asked.units else settings.order)
    called, excused = choose_units(
        units,
        streets=asked.streets,
        classes=asked.classes,
        unit_ids=asked.units,
        sample=asked.sample,
        order=order,
        random=random,
    )
    street_of = {unit.unit_id: unit.street for unit in units}
    reached = {
        unit_id: radio for unit_id, street in street_of.items() if (radio := _radio_of(street, radios))
    }
    plans = [
        Plan(
            rollcall_id=new_id(),
            radio=radio,
            command_post=command_post,
            units=tuple(unit for unit in called if reached.get(unit.unit_id) == radio),
            excused=tuple(unit for unit in excused if reached.get(unit.unit_id) == radio),
            phrases=settings.phrases,
            calls_per_unit=asked.calls or settings.calls,
            rounds=asked.rounds or settings.rounds,
            wait_s=asked.wait_s or settings.wait_s,
            ask_headcount=settings.ask_headcount if asked.ask_headcount is None else asked.ask_headcount,
            last_call_wait_s=settings.last_call_s if asked.last_call_s is None else asked.last_call_s,
            busy_retry_s=settings.busy_retry_s,
            busy_tries=settings.busy_tries,
        )
        for radio in radios
    ]
    with_units = tuple(plan for plan in plans if plan.units)
    if not with_units:
        raise ValueError(
            "no radio here is for the streets of these units; name one radio, or give it streets"
        )
    return Planned(with_units, sum(unit.unit_id not in reached for unit in called))


def _radio_of(street: str, radios: Mapping[str, Sequence[str]]) -> str | None:
    """The radio of a sub-district: the one that lists it, else the first that lists none, or the only one."""
    if len(radios) == 1:
        return next(iter(radios))
    own = next((radio for radio, streets in radios.items() if street in streets), None)
    return own or next((radio for radio, streets in radios.items() if not streets), None)
