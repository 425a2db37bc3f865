"""Fault points: deadly only where a test asks for it."""

import re
import subprocess
import sys
import timeit
from pathlib import Path

import pytest

from gateway import faultpoints
from gateway.faultpoints import STEPS, FaultPoints, from_environment

GATEWAY = Path(faultpoints.__file__).parent


def test_nothing_is_deadly_unless_it_is_asked_for() -> None:
    deaths: list[str] = []
    points = FaultPoints(lambda: deaths.append("dead"))
    for step in STEPS:
        points.passing(step)
    assert deaths == []


def test_the_step_asked_for_is_deadly_when_its_time_has_come() -> None:
    deaths: list[int] = []
    points = FaultPoints(lambda: deaths.append(1))
    points.arm("frame.appended:3")
    for count, expected in ((1, 0), (2, 0), (3, 1)):
        points.passing("decoded")
        points.passing("frame.appended")
        assert len(deaths) == expected, count


@pytest.mark.parametrize("wish", ["no.such.step", "decoded:0", "decoded:x", ":3"])
def test_a_wish_that_makes_no_sense_is_refused(wish: str) -> None:
    with pytest.raises(ValueError, match=r"step|colon"):
        from_environment({faultpoints.ENVIRONMENT: wish})


def test_every_step_is_passed_somewhere_and_nothing_else_is() -> None:
    passed = {
        step
        for file in GATEWAY.rglob("*.py")
        for step in re.findall(r'passing\("([^"]+)"\)', file.read_text(encoding="utf-8"))
    }
    assert passed == set(STEPS)


def test_death_is_sudden() -> None:
    code = "from gateway.faultpoints import passing\npassing('decoded')\nprint('alive')"
    environment = {faultpoints.ENVIRONMENT: "decoded", "PYTHONPATH": str(GATEWAY.parent)}
    died = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, check=False)
    assert (died.returncode, died.stdout) == (-9, b"")


def test_off_a_step_costs_nothing_worth_naming() -> None:
    points = FaultPoints()
    each_s = min(timeit.repeat(lambda: points.passing("decoded"), number=10_000, repeat=5)) / 10_000
    assert each_s < 5e-6
