from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.mosquitto import Mosquitto


@pytest.fixture
def mosquitto_port(tmp_path: Path) -> Iterator[int]:
    """A real broker's port."""
    broker = Mosquitto(tmp_path)
    broker.start()
    yield broker.port
    broker.stop()
