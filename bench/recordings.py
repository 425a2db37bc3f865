"""The sound the benchmarks play: the project's own calls through the radio channel, and sounds without words.

Everything is a pure function of the call, the SNR and a fixed seed.
"""

import csv
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

from bench.figure import ROOT
from gateway.hear.signalling import encode
from gateway.understand.registry import parse_units_csv, units_to_csv
from tools.calls import Call, read_manifest
from tools.channel import RATE_HZ, Channel, Samples, band, conversation, transmit
from tools.registry import synthetic_units

DATA = ROOT / "tests" / "data"
GAP_S = (1.2, 2.0)
"""Squelched near-silence before and after each call."""


def own_calls(splits: Sequence[str] = ("dev", "test")) -> list[Call]:
    """The committed calls, in the manifest's order."""
    return [call for call in read_manifest(DATA / "manifest.csv") if call.split in splits]


def clean(call: Call) -> Samples:
    """The call as spoken."""
    return read(DATA / "calls" / call.file)


def read(path: Path) -> Samples:
    """A recording's first channel; it must have 16 kHz."""
    samples, rate_hz = soundfile.read(path, dtype="float32", always_2d=True)
    if rate_hz != RATE_HZ:
        raise ValueError(f"{path}: {rate_hz} Hz, the channel needs {RATE_HZ}")
    return np.asarray(samples[:, 0], np.float32)


def on_air(speech: Samples, name: str, snr_db: float) -> Samples:
    """One transmission as a receiver hands it over; `name` and the SNR are the seed."""
    return transmit(speech, Channel(snr_db=snr_db), seed(f"{name}/{snr_db:g}"))


def record(transmissions: Sequence[Samples], path: Path) -> Path:
    """Write transmissions as one radio's recording, near-silence around each, 16 bits."""
    joined, _ = conversation(list(transmissions), seed(path.stem), GAP_S)
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, joined, RATE_HZ, "PCM_16")
    return path


def record_calls(calls: Sequence[Call], snr_db: float, folder: Path) -> dict[str, Call]:
    """Write each call as a recording of its own; return them by the recording's stem."""
    made: dict[str, Call] = {}
    for call in calls:
        stem = call.file.removesuffix(".flac")
        record([on_air(clean(call), call.file, snr_db)], folder / f"{stem}.wav")
        made[stem] = call
    return made


def wordless(folder: Path) -> list[Path]:
    """Write recordings in which nobody speaks: noise, tones, key-ups, signalling, silence."""
    rng = np.random.default_rng(20)
    paths = [record([part.astype(np.float32)], folder / f"{name}.wav") for name, part in _sounds(rng).items()]
    silence = folder / "digital-silence.wav"
    soundfile.write(silence, np.zeros(8 * RATE_HZ, np.float32), RATE_HZ, "PCM_16")
    return [*paths, silence]


def _sounds(rng: np.random.Generator) -> dict[str, npt.NDArray[np.floating]]:
    def noise(seconds: float, level: float, low_hz: float = 300, high_hz: float = 3_000) -> Samples:
        made = band(rng.standard_normal(int(seconds * RATE_HZ)), low_hz, high_hz)
        return made * np.float32(level / made.std())

    def tone(hz: float, seconds: float, level: float = 0.3) -> npt.NDArray[np.float64]:
        return level * np.sin(2 * np.pi * hz * np.arange(int(seconds * RATE_HZ)) / RATE_HZ)

    def gusts(seconds: float) -> npt.NDArray[np.float64]:
        swell = np.repeat(rng.uniform(0.05, 1.0, int(seconds * 8)), RATE_HZ // 8)
        return noise(len(swell) / RATE_HZ, 0.1) * swell

    def crackle(seconds: float) -> npt.NDArray[np.float64]:
        samples = int(seconds * RATE_HZ)
        return 0.5 * rng.standard_normal(samples) * (rng.random(samples) < 0.002) + noise(seconds, 0.01)

    def pcm(samples: npt.NDArray[np.int16]) -> npt.NDArray[np.float64]:
        return samples / 32_768

    return {
        **{f"open-squelch-{level}": noise(2 + 2 * n, level) for n, level in enumerate((0.02, 0.1, 0.3, 0.5))},
        "wide-noise": noise(5, 0.1, 60, 7_500),
        "gusts": gusts(6),
        "gusts-long": gusts(15),
        "crackle": crackle(5),
        "hum-50": tone(50, 5) + tone(150, 5, 0.1) + noise(5, 0.005),
        "tone-440": tone(440, 4),
        "tone-1000-in-noise": tone(1_000, 5) + noise(5, 0.05),
        "tone-two": tone(770, 4, 0.2) + tone(1_336, 4, 0.2),
        "warble": np.concatenate([tone(800 if n % 2 else 1_200, 0.25) for n in range(20)]),
        "busy": np.concatenate([np.r_[tone(450, 0.35), np.zeros(5_600)] for _ in range(8)]),
        "dtmf": pcm(encode.dtmf("1234567")),
        "mdc1200": pcm(encode.mdc1200("1234")),
        "fivetone": pcm(encode.fivetone("12345", "ZVEI1")),
        "kerchunk": noise(0.25, 0.1),
        "kerchunks": np.concatenate([np.r_[noise(0.3, 0.1), np.zeros(24_000)] for _ in range(3)]),
        "silence-hiss": noise(8, 0.0003),
        "low-carrier": noise(3, 0.004),
    }


def human(folder: Path) -> list[Path]:
    """The recordings of a folder with a `manifest.csv` that has a column `file`."""
    with (folder / "manifest.csv").open(encoding="utf-8", newline="") as rows:
        return [folder / row["file"] for row in csv.DictReader(rows)]


def write_registry(path: Path) -> Path:
    """Write the corpus's own 120 units and the 2,702 made-up ones beside them as one registry."""
    own = parse_units_csv((DATA / "units.csv").read_bytes(), "units.csv")
    taken = {name for unit in own for name in (unit.name, *unit.aliases)}
    taken |= {unit.callsign for unit in own if unit.callsign}
    others = [
        unit
        for unit in synthetic_units()
        if not taken & {unit.name, unit.name.removesuffix("最小应急单元"), *unit.aliases, unit.callsign}
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(units_to_csv((*own, *others)), encoding="utf-8")
    return path


def seed(name: str) -> int:
    """A number for a name, the same on every machine."""
    return zlib.crc32(name.encode())
