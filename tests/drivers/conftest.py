"""Recordings and scripts made on the spot, so that every number in a test is known."""

import importlib.util
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import soundfile

from tests.support import controls, radiomodules
from tests.support.networkport import NetworkPort
from tests.support.soundserver import SoundServer

Recording = Callable[..., Path]


def sine(
    seconds: float, rate_hz: int = 16_000, hz: float = 500.0, level: float = 0.25
) -> npt.NDArray[np.float64]:
    return level * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate_hz)) / rate_hz)


@pytest.fixture
def recording(tmp_path: Path) -> Recording:
    """Write a recording; returns its path."""

    def write(
        name: str = "call.wav",
        seconds: float = 0.5,
        rate_hz: int = 16_000,
        subtype: str | None = None,
        samples: npt.NDArray[np.float64] | None = None,
    ) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(
            path, sine(seconds, rate_hz) if samples is None else samples, rate_hz, subtype=subtype
        )
        return path

    return write


@pytest.fixture(scope="session")
def sound_server_of_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    if shutil.which("pulseaudio") is None:
        absent("pulseaudio is")
    if importlib.util.find_spec("pyaudio") is None:
        absent("PyAudio is")
    # Unix sockets need a short path.
    with tempfile.TemporaryDirectory(prefix="rg-") as name:
        server = SoundServer(Path(name))
        yield server
        server.kill()


@pytest.fixture
def sound_server(sound_server_of_session: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A sound server that runs, for this test's process."""
    for name, value in sound_server_of_session.environment.items():
        monkeypatch.setenv(name, value)
    if not sound_server_of_session.is_running:
        sound_server_of_session.start()
    return sound_server_of_session


def absent(what: str) -> None:
    """Skip a test for want of a program, on a machine that is not the one that must have everything."""
    message = f"{what} not installed: it is not tested for real"
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture
def pins(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A GPIO chip, which `import gpiod` leads to."""
    chip = controls.Pins()
    monkeypatch.setitem(sys.modules, "gpiod", controls.gpiod_of(chip))
    monkeypatch.setitem(sys.modules, "gpiod.line", ModuleType("gpiod.line"))
    return chip


@pytest.fixture
def chip() -> Iterator[Any]:
    """A sound chip with pins."""
    plugged = controls.Chip()
    yield plugged
    plugged.unplug()


@pytest.fixture
def rig_daemon() -> Iterator[Any]:
    """A real rigctld with a dummy radio."""
    if shutil.which("rigctld") is None:
        absent("rigctld (Debian's libhamlib-utils) is")
    running = controls.Daemon()
    running.start()
    yield running
    running.kill()


@pytest.fixture
def network_port() -> Iterator[Any]:
    """A terminal server with one port."""
    server = NetworkPort()
    yield server
    server.close()


@pytest.fixture
def plug_in() -> Iterator[Callable[..., Any]]:
    """Put a module on a pty that goes away with the test."""
    plugged: list[Any] = []

    def plug(answer: Callable[[bytes], bytes], **manner: object) -> Any:
        plugged.append(radiomodules.PtyModule(answer, **manner))
        return plugged[-1]

    yield plug
    for one in plugged:
        one.unplug()
