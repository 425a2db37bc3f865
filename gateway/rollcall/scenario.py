"""What a drill (拉动) plays, whom it calls to help, and with which words. Pure.

一点呼叫 is the unit it is played at, 一线响应 the units beside it, 一片集结 several such lines together.
"""

from collections.abc import Iterable, Sequence
from typing import Final, Literal

from pydantic import Field, model_validator

from gateway.events import DrillRole, Model
from gateway.model import Unit
from gateway.phrases import PLACEHOLDER, DrillPhrases
from gateway.rollcall.muster import LIMITS_S
from gateway.understand.registry import Registry

Reach = Literal["point", "line", "area"]
LINE_UNITS: Final = 10
"""How many neighbours make a line (一线) where a unit names none."""
AREA_LINES: Final = 2
"""Lines that join the first one in an area (一片) when none are named."""


class Scenario(Model):
    """What is played. `text` is said on the air after 模拟 and the place; `code` names it in events."""

    code: str = Field(pattern=r"^[a-z0-9_-]{1,40}$")
    label: str = Field(min_length=1, max_length=40)
    text: str = Field(min_length=1, max_length=120)


SHIPPED: Final = (
    Scenario(code="gang_theft", label="团伙盗窃", text="发生团伙盗窃,多名嫌疑人正在逃离"),
    Scenario(code="street_robbery", label="抢劫路人", text="有人持刀抢劫路人"),
    Scenario(code="gas_leak", label="燃气泄漏", text="发生燃气泄漏,需要疏散人员"),
    Scenario(code="lost_child", label="儿童丢失", text="有一名儿童走失,需要封控出口并寻找"),
    Scenario(code="suicide_jump", label="跳楼轻生", text="有人站上楼顶欲跳楼轻生"),
)
"""The scenarios that come with the program; a station adds its own."""


class OrderedUnit(Model):
    """A unit that takes part. `line` is the id of the unit whose line (一线) it belongs to."""

    unit_id: str
    name: str
    role: DrillRole
    line: str


class Order(Model):
    """One key-up that orders some units; its end starts their clocks."""

    role: DrillRole
    unit_ids: tuple[str, ...]
    repeats: bool = False


class DrillPlan(Model):
    """A drill before it begins; times are seconds.

    `limits_s` are the 1-3-5 minutes: the unit on the spot, its neighbours, the reinforcement. Each order is
    followed by `gather_s` for those it names to acknowledge; who has not is ordered again until it was
    `orders_per_unit` times. Arrivals are waited for until `grace_s` after the last one's limit.
    `names_per_order` keeps a key-up short. The rest is as in a roll-call's plan.
    """

    drill_id: str
    radio: str
    command_post: str
    scenario: Scenario
    place: str
    reach: Reach
    units: tuple[OrderedUnit, ...]
    excused: tuple[OrderedUnit, ...] = ()
    by: str | None = None
    phrases: DrillPhrases = DrillPhrases()
    limits_s: dict[DrillRole, float] = Field(default_factory=LIMITS_S.copy)
    orders_per_unit: int = Field(default=2, ge=1, le=5)
    names_per_order: int = Field(default=5, ge=1, le=20)
    gather_s: float = Field(default=12.0, gt=0)
    grace_s: float = Field(default=15.0, ge=0)
    ask_report: bool = True
    busy_retry_s: float = Field(default=3.0, gt=0)
    busy_tries: int = Field(default=10, ge=1)
    hold_s: float = Field(default=90.0, gt=0)

    @model_validator(mode="after")
    def _each_unit_once(self) -> "DrillPlan":
        ids = [unit.unit_id for unit in (*self.units, *self.excused)]
        if len(ids) != len(set(ids)):
            twice = next(unit_id for unit_id in ids if ids.count(unit_id) > 1)
            raise ValueError(f"unit {twice!r} takes part twice")
        if not any(unit.role == "point" for unit in self.units):
            raise ValueError("a drill needs the unit it is played at")
        if set(self.limits_s) != {"point", "line", "area"} or min(self.limits_s.values()) <= 0:
            raise ValueError("limits_s needs a positive time for each of point, line and area")
        return self

    @property
    def point(self) -> OrderedUnit:
        """The unit the drill is played at."""
        return next(unit for unit in self.units if unit.role == "point")

    def orders(self, unit_ids: Iterable[str] | None = None, *, repeats: bool = False) -> tuple[Order, ...]:
        """The key-ups that order these units (all when None): the point, then line by line."""
        wanted = None if unit_ids is None else set(unit_ids)
        groups: dict[tuple[str, str], list[str]] = {}
        for unit in self.units:
            if wanted is None or unit.unit_id in wanted:
                groups.setdefault((unit.role, unit.line), []).append(unit.unit_id)
        ranks = {"point": 0, "line": 1, "area": 2}
        by_rank = sorted(groups.items(), key=lambda group: ranks[group[0][0]])
        return tuple(
            Order.model_validate(
                {"role": role, "unit_ids": ids[start : start + self.names_per_order], "repeats": repeats}
            )
            for (role, _), ids in by_rank
            for start in range(0, len(ids), self.names_per_order)
        )

    def order_text(self, order: Order) -> str:
        """The words of an order."""
        names = {unit.unit_id: unit.name for unit in self.units}
        phrase = self.phrases.repeat if order.repeats else getattr(self.phrases, f"order_{order.role}")
        return self._filled(phrase, units="、".join(names[unit_id] for unit_id in order.unit_ids))

    def say(self, purpose: str, unit_id: str | None = None) -> str:
        """The words for anything else, empty when it is not said."""
        name = next((unit.name for unit in self.units if unit.unit_id == unit_id), "")
        return self._filled(getattr(self.phrases, purpose), unit=name)

    def _filled(self, phrase: str, *, unit: str = "", units: str = "") -> str:
        values = {"me": self.command_post, "place": self.place, "text": self.scenario.text}
        values |= {"unit": unit, "units": units}
        return PLACEHOLDER.sub(lambda found: values.get(found.group(1), ""), phrase)


def choose_scenario(code: str, own: Sequence[Scenario] = ()) -> Scenario:
    """The scenario of a code or label; the station's own come before the shipped ones.

    Raises:
        ValueError: there is none.
    """
    for one in (*own, *SHIPPED):
        if code in {one.code, one.label}:
            return one
    known = ", ".join(dict.fromkeys(f"{one.code} ({one.label})" for one in (*own, *SHIPPED)))
    raise ValueError(f"there is no scenario {code!r}; there is {known}")


def choose_muster(
    registry: Registry, point: str, reach: Reach, lines: Sequence[str] = ()
) -> tuple[tuple[OrderedUnit, ...], tuple[OrderedUnit, ...]]:
    """Choose who takes part in a drill at `point`; return those, and those on leave who would have.

    Args:
        registry: every unit there is.
        point: the unit the drill is played at.
        reach: that unit alone, with its neighbours (一线), or with several lines (一片).
        lines: units whose lines make up the area; the farthest neighbours of `point` when empty.

    Raises:
        ValueError: a unit is not registered or on leave, or a line would be empty.
    """
    taken: dict[str, OrderedUnit] = {}
    away: dict[str, OrderedUnit] = {}
    called = _active(registry, point)
    taken[point] = OrderedUnit(unit_id=point, name=called.name, role="point", line=point)
    if reach == "point":
        return tuple(taken.values()), ()
    neighbours = registry.neighbours(point, LINE_UNITS)
    if not neighbours:
        raise ValueError(
            f"{called.name} has no neighbours: the registry names none for it and has no place to find them"
        )
    _line(registry, called, "line", taken, away)
    if reach == "area":
        heads = list(lines) or [unit.unit_id for unit in reversed(neighbours)][:AREA_LINES]
        for head in heads:
            unit = _active(registry, head)
            taken.setdefault(head, OrderedUnit(unit_id=head, name=unit.name, role="area", line=head))
            _line(registry, unit, "area", taken, away)
        if not any(unit.role == "area" for unit in taken.values()):
            raise ValueError("the lines named add nobody to the first one; name others")
    return tuple(taken.values()), tuple(one for one in away.values() if one.unit_id not in taken)


def _active(registry: Registry, unit_id: str) -> Unit:
    unit = registry.get(unit_id)
    if unit is None:
        raise ValueError(f"unit {unit_id!r} is not in the registry")
    if unit.state != "active":
        raise ValueError(f"unit {unit_id!r} is {unit.state}; a drill can only be played at an active unit")
    return unit


def _line(
    registry: Registry,
    head: Unit,
    role: DrillRole,
    taken: dict[str, OrderedUnit],
    away: dict[str, OrderedUnit],
) -> None:
    """Add the neighbours of `head`; a unit that takes part already keeps its place."""
    for unit in registry.neighbours(head.unit_id, LINE_UNITS):
        taken.setdefault(
            unit.unit_id, OrderedUnit(unit_id=unit.unit_id, name=unit.name, role=role, line=head.unit_id)
        )
    for unit_id in head.neighbours:
        listed = registry.get(unit_id)
        if listed is not None and listed.state != "active":
            away.setdefault(
                unit_id, OrderedUnit(unit_id=unit_id, name=listed.name, role=role, line=head.unit_id)
            )
