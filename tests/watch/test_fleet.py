"""A small district on a real mosquitto: roll-calls and incidents at once, one dispatcher and two workers."""

import asyncio
from pathlib import Path

import pytest

from bench.fleet import hold
from bench.station import mosquitto

pytestmark = pytest.mark.broker


def test_a_small_district_reaches_dispatcher_and_workers_once_and_in_order(tmp_path: Path) -> None:
    with mosquitto(tmp_path) as url:
        one, many, _ = asyncio.run(
            hold(tmp_path, lambda _: url, [url], gateways=3, units_each=4, incidents=3, workers=2)
        )
    assert one.events > 40
    assert (one.incidents, one.called) == (3, 3)
    assert one.wrong == 0
    assert many is not None
    assert (many.events, many.wrong) == (one.events, 0)
