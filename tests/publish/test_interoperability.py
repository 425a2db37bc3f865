"""The table of brokers in docs/integrator.md is what the product's own link finds.

RabbitMQ takes half a minute to start and is asked in `python -m bench.run fleet-clusters`.
"""

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

pytestmark = pytest.mark.broker
ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "integrator.md").read_text(encoding="utf-8")


def support(name: str) -> ModuleType:
    path = ROOT / "tests" / "support" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"interoperability_{name}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_mosquitto_does_what_the_table_says(make_broker: Callable[..., Any]) -> None:
    ask = support("interoperability")
    assert ask.probe(make_broker().url) == ask.documented(PAGE, "mosquitto")


def test_nats_does_what_the_table_says(tmp_path: Path) -> None:
    nats = support("brokers").Nats
    if (why := nats.missing()) is not None:
        pytest.skip(why)
    ask = support("interoperability")
    with nats(tmp_path) as cluster:
        assert ask.probe(cluster.urls[0]) == ask.documented(PAGE, "NATS")
