"""Who is called on which radio, and what the configuration may say about it."""

from pathlib import Path
from random import Random

import pytest
from pydantic import ValidationError

from gateway.conduct.planning import Planned, plan_for
from gateway.config import load_config
from gateway.errors import BadConfig
from gateway.model import Unit
from gateway.publish.requests import RollcallStart
from gateway.rollcallsettings import RollcallSettings, ScheduleSettings

UNITS = (
    Unit("u1", "金穗花园", unit_class="C", street="石牌街"),
    Unit("u2", "棠东小学", unit_class="A", street="石牌街"),
    Unit("u3", "五山市场", unit_class="D", street="五山街"),
    Unit("u4", "千耀酒店", unit_class="B", street="五山街", state="holiday"),
    Unit("u5", "员村公园", unit_class="D", street="员村街"),
)


def planned(radios: dict[str, tuple[str, ...]], request: RollcallStart | None = None) -> Planned:
    ids = (f"r{number}" for number in range(10))
    return plan_for(
        request or RollcallStart(),
        radios,
        UNITS,
        RollcallSettings(),
        "指挥中心",
        lambda: next(ids),
        Random(1),
    )


def of(result: Planned) -> dict[str, list[str]]:
    return {plan.radio: [unit.unit_id for unit in plan.units] for plan in result.plans}


def test_one_radio_reaches_everybody() -> None:
    result = planned({"ch1": ("石牌街",)})

    assert of(result) == {"ch1": ["u1", "u2", "u3", "u5"]}
    assert [unit.unit_id for unit in result.plans[0].excused] == ["u4"]
    assert result.left_out == 0


def test_several_call_their_own_streets_side_by_side() -> None:
    result = planned({"ch1": ("石牌街",), "ch2": ("五山街",)})

    assert of(result) == {"ch1": ["u1", "u2"], "ch2": ["u3"]}
    assert result.left_out == 1
    assert of(planned({"ch1": ("石牌街",), "ch2": ()})) == {"ch1": ["u1", "u2"], "ch2": ["u3", "u5"]}


def test_a_radio_with_nobody_to_call_takes_no_part() -> None:
    assert of(planned({"ch1": ("石牌街",), "ch2": ("五山街",)}, RollcallStart(streets=("石牌街",)))) == {
        "ch1": ["u1", "u2"]
    }
    with pytest.raises(ValueError, match="no radio here is for the streets"):
        planned({"ch1": ("石牌街",), "ch2": ("五山街",)}, RollcallStart(units=("u5",)))


def test_a_street_that_nobody_belongs_to_is_named_with_those_there_are() -> None:
    with pytest.raises(ValueError, match="'天河街'; there is 五山街, 员村街, 石牌街"):
        planned({"ch1": ()}, RollcallStart(streets=("石牌街", "天河街")))


def test_a_unit_listed_twice_is_called_once() -> None:
    assert of(planned({"ch1": ()}, RollcallStart(units=("u3", "u1", "u3")))) == {"ch1": ["u3", "u1"]}


def test_what_is_asked_for_goes_before_the_usual_way() -> None:
    request = RollcallStart(
        units=("u3", "u1"), calls=1, wait_s=4.0, rounds=2, last_call_s=0, ask_headcount=False
    )
    (plan,) = planned({"ch1": ()}, request).plans

    assert [unit.unit_id for unit in plan.units] == ["u3", "u1"]
    assert (plan.calls_per_unit, plan.wait_s, plan.rounds) == (1, 4.0, 2)
    assert (plan.last_call_wait_s, plan.ask_headcount) == (0.0, False)


@pytest.mark.parametrize(
    ("window", "words"),
    [
        ("8-9", "write it as 08:00-09:30"),
        ("08:00-25:99", "minute must be"),
        ("08:00-08:00", "open for a while"),
    ],
)
def test_a_window_that_is_none_is_refused(window: str, words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        ScheduleSettings(name="x", window=window)


def test_a_configuration_names_its_faults(tmp_path: Path) -> None:
    config = tmp_path / "station.toml"
    config.write_text(
        """
[gateway]
org = "gz"
district = "tianhe"
id = "shipai"
command_post = "指挥中心"
data_dir = "data"
[units]
csv = "units.csv"
[mqtt]
url = "mqtt://127.0.0.1:1883"
[rollcall]
calls = 0
[rollcall.phrases]
call = "听到请回答"
[[rollcall.schedule]]
name = "早点名"
window = "8 bis 9"
[[radio]]
id = "ch1"
source = { kind = "virtual" }
""",
        encoding="utf-8",
    )

    with pytest.raises(BadConfig) as found:
        load_config(config)

    told = str(found.value)
    assert "rollcall.calls: " in told
    assert "rollcall.phrases: the call must hold {unit}" in told
    assert "rollcall.schedule[1]: window is '8 bis 9'" in told
