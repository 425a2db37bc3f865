"""The table of brokers in docs/integrator.md is what the product's own link finds.

RabbitMQ takes half a minute to start and is asked in `python -m bench.run fleet-clusters`.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support import interoperability
from tests.support.brokers import Nats

pytestmark = pytest.mark.broker
ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "integrator.md").read_text(encoding="utf-8")


def test_mosquitto_does_what_the_table_says(make_broker: Callable[..., Any]) -> None:
    assert interoperability.probe(make_broker().url) == interoperability.documented(PAGE, "mosquitto")


def test_nats_does_what_the_table_says(tmp_path: Path) -> None:
    nats = Nats
    if (why := nats.missing()) is not None:
        pytest.skip(why)
    with nats(tmp_path) as cluster:
        assert interoperability.probe(cluster.urls[0]) == interoperability.documented(PAGE, "NATS")
