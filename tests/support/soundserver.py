"""PulseAudio in user mode, with cards that nobody hears: for tests and benchmarks of real sound drivers."""

import contextlib
import os
import socket
import subprocess
import time
from pathlib import Path


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
        raise RuntimeError(f"PulseAudio did not start: {(self._folder / 'pulse.log').read_text()}")

    def kill(self) -> None:
        """Pull the cards out."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._process = None
        self._socket.unlink(missing_ok=True)

    def unload(self) -> None:
        """Unload the modules of all cards while the server goes on; of one only, it would take another."""
        for line in self._control("list", "short", "modules").splitlines():
            number, kind, _ = [*line.split("\t"), "", ""][:3]
            if kind == "module-null-sink":
                self._control("unload-module", number)

    def load(self) -> None:
        """Load the cards again."""
        for name in ("drain", "one", "two"):
            self._control("load-module", "module-null-sink", f"sink_name={name}", "rate=48000", "channels=2")
        for name in ("one", "two"):
            self._control(
                "load-module", "module-loopback", f"source={name}.monitor", "sink=drain", "latency_msec=40"
            )

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def _control(self, *command: str) -> str:
        done = subprocess.run(
            ["pactl", "--server", f"unix:{self._socket}", *command],
            env=os.environ | self.environment, capture_output=True, text=True, check=True, timeout=10.0,
        )  # fmt: skip
        return done.stdout
