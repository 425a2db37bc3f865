"""Recordings and scripts made on the spot, so that every number in a test is known."""

import contextlib
import importlib.util
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import soundfile

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


class SoundServer:
    """PulseAudio with two silent cards, which ALSA and so PortAudio show as `radio one` and `radio two`."""

    def __init__(self, folder: Path) -> None:
        self._socket = folder / "pulse" / "native"
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self.environment = {
            "HOME": str(folder),
            "XDG_RUNTIME_DIR": str(folder),
            "PULSE_SERVER": f"unix:{self._socket}",
            "ALSA_CONFIG_PATH": str(folder / "asound.conf"),
        }
        pcms = {"default": "one"}
        for name in ("one", "two"):
            pcms |= {f"hear {name}": f"{name}.monitor", f"say {name}": name}
        (folder / "asound.conf").write_text(
            'pcm_type.pulse { lib "libasound_module_pcm_pulse.so" }\n'
            + "".join(
                f'pcm."{pcm}" {{ type pulse server "unix:{self._socket}" device "{device}"\n'
                f'  hint {{ show on description "{pcm}" }} }}\n'
                for pcm, device in pcms.items()
            )
        )

    def start(self) -> None:
        """Plug the cards in."""
        command = ["pulseaudio", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no", "-n"]
        command += ["-L", f"module-native-protocol-unix auth-anonymous=1 socket={self._socket}"]
        for name in ("one", "two", "drain"):
            command += ["-L", f"module-null-sink sink_name={name} rate=48000 channels=2"]
        # A silent card works in steps of two seconds until somebody wants it faster.
        for name in ("one", "two"):
            command += ["-L", f"module-loopback source={name}.monitor sink=drain latency_msec=40"]
        self._socket.parent.mkdir(exist_ok=True)
        with (self._folder / "pulse.log").open("ab") as log:
            self._process = subprocess.Popen(
                command, env=os.environ | self.environment, stdout=log, stderr=subprocess.STDOUT
            )
        deadline = time.monotonic() + 10.0
        while time.monotonic() < deadline and self._process.poll() is None:
            with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as probe:
                probe.connect(str(self._socket))
                return
            time.sleep(0.02)
        pytest.fail(f"PulseAudio did not start: {(self._folder / 'pulse.log').read_text()}")

    def kill(self) -> None:
        """Pull the cards out."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._process = None
        self._socket.unlink(missing_ok=True)

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None


@pytest.fixture(scope="session")
def sound_server_of_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SoundServer]:
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
def sound_server(sound_server_of_session: SoundServer, monkeypatch: pytest.MonkeyPatch) -> SoundServer:
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


@pytest.fixture(scope="session")
def radiomodules() -> ModuleType:
    """Simulated radio modules."""
    return load_support("radiomodules")


@pytest.fixture(scope="session")
def controls() -> ModuleType:
    """Doubles of what controls are wired to."""
    return load_support("controls")


@pytest.fixture
def pins(controls: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A GPIO chip, which `import gpiod` leads to."""
    chip = controls.Pins()
    monkeypatch.setitem(sys.modules, "gpiod", controls.gpiod_of(chip))
    monkeypatch.setitem(sys.modules, "gpiod.line", ModuleType("gpiod.line"))
    return chip


@pytest.fixture
def chip(controls: ModuleType) -> Iterator[Any]:
    """A sound chip with pins."""
    plugged = controls.Chip()
    yield plugged
    plugged.unplug()


@pytest.fixture
def rig_daemon(controls: ModuleType) -> Iterator[Any]:
    """A real rigctld with a dummy radio."""
    if shutil.which("rigctld") is None:
        absent("rigctld (Debian's libhamlib-utils) is")
    running = controls.Daemon()
    running.start()
    yield running
    running.kill()


@pytest.fixture
def plug_in(radiomodules: ModuleType) -> Iterator[Callable[..., Any]]:
    """Put a module on a pty that goes away with the test."""
    plugged: list[Any] = []

    def plug(answer: Callable[[bytes], bytes], **manner: object) -> Any:
        plugged.append(radiomodules.PtyModule(answer, **manner))
        return plugged[-1]

    yield plug
    for one in plugged:
        one.unplug()
