import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest


def load_support(name: str) -> ModuleType:
    """Load tests/support/<name>.py, which importlib mode keeps off the import path."""
    path = Path(__file__).parents[1] / "support" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"tests_support_{name}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def mosquitto_port(tmp_path: Path) -> Iterator[int]:
    """A real broker's port."""
    broker = load_support("mosquitto").Mosquitto(tmp_path)
    broker.start()
    yield broker.port
    broker.stop()
