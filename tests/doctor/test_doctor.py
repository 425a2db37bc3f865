"""`radio-gateway doctor`: what works, what does not, and what to do about it."""

import io
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from drivers.airscript import AirScript
from drivers.virtualradio import KeyUp, VirtualRadio
from gateway.cli.main import main
from gateway.doctor import station as station_checks
from gateway.model import RATE_HZ

DATA = Path(__file__).parents[1] / "data"
CALL = DATA / "calls" / "scripted-roll-2.flac"
Doctor = Callable[..., tuple[int, str]]


class Engine:
    """Stands for a model that loads; loading the real one is tested in tests/recognise."""

    engine, model = "whisper", "base"

    def close(self) -> None: ...


@pytest.fixture
def station(tmp_path: Path) -> Callable[..., Path]:
    """Write a station with one radio; keyword arguments replace its lines."""

    def write(**lines: str) -> Path:
        radio = {
            "source": f'{{ kind = "virtual", radio = "{tmp_path}" }}',
            "sink": f'{{ kind = "virtual", radio = "{tmp_path}" }}',
            "control": f'{{ kind = "virtual", radio = "{tmp_path}" }}',
        } | lines
        path = tmp_path / "station.toml"
        path.write_text(
            f"""
[gateway]
org = "gz"
district = "tianhe"
id = "shipai"
command_post = "指挥中心"
data_dir = "data"
[units]
csv = "{DATA / "units.csv"}"
[mqtt]
url = "mqtt://127.0.0.1:1"
connect_timeout_s = 0.5
[[radio]]
id = "ch1"
"""
            + "\n".join(f"{key} = {value}" for key, value in radio.items()),
            encoding="utf-8",
        )
        return path

    return write


@pytest.fixture
def doctor(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Doctor:
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(station_checks, "choose", lambda *_: Engine())

    def run(config: Path, *arguments: str, typed: str = "") -> tuple[int, str]:
        monkeypatch.setattr("sys.stdin", io.StringIO(typed))
        with pytest.raises(SystemExit) as ended:
            main(["doctor", "-c", str(config), *arguments])
        out, err = capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return ended.value.code, out + err

    return run


@pytest.fixture
def air(tmp_path: Path) -> Iterator[VirtualRadio]:
    """The radio on the channel, which lives as long as the test."""
    radio = VirtualRadio.named(str(tmp_path))
    yield radio
    VirtualRadio._named.clear()


def line(said: str, what: str) -> str:
    return next(one for one in said.splitlines() if re.match(rf". {what}:", one))


def test_each_thing_is_tried_and_what_is_wrong_says_what_to_do(
    station: Callable[..., Path], doctor: Doctor
) -> None:
    code, said = doctor(station())
    assert code == 69
    for good in ("units", "disk", "speech model", "radio ch1 source", "radio ch1 sink", "radio ch1 control"):
        assert line(said, good).startswith("✓")
    assert "127.0.0.1:1" in line(said, "broker")
    assert line(said, "broker").startswith("✗")
    assert "do: start it, or correct [mqtt]" in said


def test_a_station_where_all_works_is_good(
    station: Callable[..., Path], doctor: Doctor, mosquitto_port: int
) -> None:
    config = station()
    config.write_text(config.read_text().replace("127.0.0.1:1", f"127.0.0.1:{mosquitto_port}"))
    code, said = doctor(config)
    assert (code, "everything works" in said) == (0, True), said
    assert "MQTT 5" in line(said, "broker")


def test_a_device_that_is_not_there_is_named(station: Callable[..., Path], doctor: Doctor) -> None:
    config = station(
        source='{ kind = "wavefile", path = "nobody.wav" }',
        control='{ kind = "serialline", port = "/dev/ttyUSB97", ptt = "rts" }',
    )
    config.write_text(config.read_text().replace("units.csv", "nothing.csv"))
    code, said = doctor(config)
    assert code == 69
    assert "nobody.wav" in line(said, "radio ch1 source")
    assert "/dev/ttyUSB97" in line(said, "radio ch1 control")
    assert "nothing.csv" in line(said, "units")
    assert "radio-gateway devices shows" in said
    assert "correct the path in the configuration" in said


def test_a_squelch_that_goes_by_what_no_control_tells_is_bad(
    station: Callable[..., Path], doctor: Doctor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.doctor.radios.LONGEST_WAIT_S", 0.3)
    _, said = doctor(station(squelch='{ kind = "vox & rssi" }', source='{ kind = "virtual" }'))
    assert "cannot tell rssi, which the squelch goes by" in line(said, "radio ch1 control")


def test_a_bad_configuration_is_78(station: Callable[..., Path], doctor: Doctor) -> None:
    assert doctor(station(squelch='{ kind = "vox &" }'))[0] == 78


class TestLevels:
    @pytest.fixture
    def measure(self, station: Callable[..., Path], doctor: Doctor, tmp_path: Path) -> Callable[..., str]:
        def run(sound: Any, seconds: float = 7.0) -> str:
            soundfile.write(tmp_path / "line.wav", sound, RATE_HZ, subtype="PCM_16")
            config = station(source='{ kind = "wavefile", path = "line.wav", pace = "fast" }')
            code, said = doctor(config, "--levels", "ch1", "--seconds", str(seconds))
            assert code == 0
            return said

        return run

    @pytest.fixture
    def line_with_call(self) -> Callable[..., Any]:
        def make(gain_db: float, noise_dbfs: float = -60.0, hum: float = 0.0) -> Any:
            call, _ = soundfile.read(CALL, dtype="float64")
            call *= 10 ** ((gain_db - 20 * np.log10(np.sqrt(np.mean(call**2)))) / 20)
            quiet = np.zeros(3 * RATE_HZ)
            sound = np.concatenate([quiet, call, quiet])
            sound += np.random.default_rng(1).standard_normal(len(sound)) * 10 ** (noise_dbfs / 20)
            sound += hum * np.sin(2 * np.pi * 50 * np.arange(len(sound)) / RATE_HZ)
            return np.clip(sound, -1, 1)

        return make

    def test_a_good_line_needs_nothing(
        self, measure: Callable[..., str], line_with_call: Callable[..., Any]
    ) -> None:
        said = measure(line_with_call(-22.0))
        assert "1 transmission\n" in said
        assert re.search(r"noise floor +-6\d dBFS", said)
        assert re.search(r"open_db = [5-9]", said)
        assert "→" not in said

    @pytest.mark.parametrize(
        ("gain_db", "noise_dbfs", "hum", "advice"),
        [
            (3.0, -60.0, 0.0, "cut off: turn the radio's volume"),
            (-45.0, -75.0, 0.0, "turn the volume or the capture level up by"),
            (-22.0, -60.0, 0.05, "mains hums at"),
            (-22.0, -28.0, 0.0, "dB over the noise"),
        ],
    )
    def test_a_bad_line_is_told_what_to_turn(
        self,
        measure: Callable[..., str],
        line_with_call: Callable[..., Any],
        gain_db: float,
        noise_dbfs: float,
        hum: float,
        advice: str,
    ) -> None:
        assert advice in measure(line_with_call(gain_db, noise_dbfs, hum))

    def test_a_muted_input_is_told(self, measure: Callable[..., str]) -> None:
        assert "digital silence" in measure(np.zeros(2 * RATE_HZ))

    def test_an_unknown_radio_is_a_usage_error(self, station: Callable[..., Path], doctor: Doctor) -> None:
        code, said = doctor(station(), "--levels", "ch9")
        assert (code, "it has ch1" in said) == (64, True)


class TestTransmitting:
    @pytest.mark.parametrize("test", ["--ptt", "--loopback"])
    @pytest.mark.parametrize("typed", ["", "y\n", "no\n", "\n", "yes please\n"])
    def test_nothing_is_keyed_without_a_typed_yes(
        self, station: Callable[..., Path], doctor: Doctor, air: VirtualRadio, test: str, typed: str
    ) -> None:
        code, said = doctor(station(), test, "ch1", typed=typed)
        assert (code, "nothing was transmitted" in said) == (0, True)
        assert not air.keyed
        assert not air.spoken

    def test_the_radio_is_keyed_for_a_moment_and_released(
        self, station: Callable[..., Path], doctor: Doctor, air: VirtualRadio
    ) -> None:
        heard: list[KeyUp] = []
        air.crew = lambda key_up: heard.append(key_up) or []  # type: ignore[func-returns-value]
        air.tune(AirScript(), is_realtime=True)
        code, said = doctor(station(), "--ptt", "ch1", typed="yes\n")
        assert (code, "released" in said) == (0, True)
        (key_up,) = heard
        assert 2.2 < key_up.ended_s - key_up.started_s < 3.5
        assert len(key_up.pcm) == 2 * RATE_HZ

    def test_a_sink_that_fails_releases_the_key(
        self, station: Callable[..., Path], doctor: Doctor, air: VirtualRadio, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*_: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr("drivers.virtual.VirtualSink.write", fail)
        assert doctor(station(), "--ptt", "ch1", typed="yes\n")[0] == 130
        assert len(air.keyed) == 1
        assert not air.is_keyed

    def test_a_tone_that_comes_back_is_heard(
        self, station: Callable[..., Path], doctor: Doctor, air: VirtualRadio, tmp_path: Path
    ) -> None:
        source = f'{{ kind = "virtual", radio = "{tmp_path}", sidetone_db = -12, noise_dbfs = -50 }}'
        code, said = doctor(station(source=source), "--loopback", "ch1", typed="yes\n")
        assert code == 0, said
        found = re.search(r"after (\d\.\d+) s at (-\d+) dBFS", said)
        assert found is not None
        assert float(found[1]) < 0.3
        assert int(found[2]) == pytest.approx(-27, abs=1)

    def test_a_tone_that_does_not_come_back_is_69(
        self, station: Callable[..., Path], doctor: Doctor, air: VirtualRadio, tmp_path: Path
    ) -> None:
        source = f'{{ kind = "virtual", radio = "{tmp_path}", noise_dbfs = -50 }}'
        code, said = doctor(station(source=source), "--loopback", "ch1", typed="yes\n")
        assert (code, "the tone did not come back" in said) == (69, True)
        assert threading.active_count() < 20


def test_the_voices_are_tried_and_bad_recordings_named(
    doctor: Doctor, station: Callable[..., Path], tmp_path: Path
) -> None:
    prompts = tmp_path / "prompts"
    prompts.mkdir()
    (prompts / "收到.wav").write_bytes(b"no recording")
    soundfile.write(prompts / "请讲.wav", np.full(8000, 0.1), RATE_HZ)
    _, said = doctor(station())
    assert "✗ recordings:" in said
    assert "收到.wav: is no recording that can be read" in said
    assert "✓ recordings: 1 that can be said" in said
    assert "✓ voice espeak-ng cmn: says " in said
    assert "espeak" not in doctor(station(sink='{ kind = "none" }'))[1]


def test_the_watchdog_is_seen_to_release_a_key(
    doctor: Doctor, station: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    _, said = doctor(station())
    assert line(said, "watchdog").startswith("✓ watchdog: released a key that was held too long")
    assert "watchdog:" not in doctor(station(sink='{ kind = "none" }'))[1]

    idle = tmp_path / "idle.py"
    idle.write_text(
        "import sys, socket\n"
        "gateway = socket.socket(fileno=int(sys.argv[1]))\n"
        "while gateway.recv(9999):\n"
        "    gateway.send(b'{\"released\": false}')\n"
    )
    monkeypatch.setattr("gateway.speak.watchdog.PROGRAM", idle)
    monkeypatch.setattr("gateway.doctor.watching.RELEASED_WITHIN_S", 0.5)
    code, said = doctor(station())
    assert code == 69
    assert "✗ watchdog: a key that was held too long was not released" in said
    assert "do: nothing is keyed without it" in said
