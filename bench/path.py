"""The whole path, audio in to event at a subscriber, against the bare recogniser on the same audio."""

import asyncio
import statistics
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from bench import recordings as sound
from bench.figure import Figure, Options, Report
from bench.station import Arrivals, dispatcher, folder, mosquitto, write_config
from drivers.wavefile import WavefileSource
from gateway.app import Daemon
from gateway.config import load_config
from gateway.recognise import models

SNR_DB = 20
LIMIT = 1.15
QUIET_S = 1.5
"""After this long without an event of a call its last one has come; it is no part of the time."""


@dataclass(frozen=True, slots=True)
class _Run:
    """Seconds for one call: bare, ours, and the recogniser's share of ours as the event tells it."""

    call: str
    bare_s: float
    bare_fell_back: bool
    ours_s: float
    decode_s: float

    @property
    def ratio(self) -> float:
        return self.ours_s / self.bare_s


def whole_path(options: Options) -> Report:
    """Time the daemon with its model loaded, real mosquitto and a subscriber; bare and ours alternate."""
    with folder() as where, mosquitto(where) as url:
        reports = [call for call in sound.own_calls(("test",)) if call.kind == "report"]
        step = max(1, len(reports) // (options.path_calls + 1))
        chosen = reports[::step][: options.path_calls + 1]
        made = sound.record_calls(chosen, SNR_DB, where / "calls")
        paths = [where / "calls" / f"{stem}.wav" for stem in made]
        config = write_config(where, url, paths)
        with held_back() as gates:
            runs = asyncio.run(_measure(config, url, paths, gates))
    return Report(_figures(runs))


def _figures(runs: Sequence[_Run]) -> tuple[Figure, ...]:
    ratios = [run.ratio for run in runs]
    bare_s, ours_s = sum(run.bare_s for run in runs), sum(run.ours_s for run in runs)
    fell_back = sum(run.bare_fell_back for run in runs)
    beside_ms = [(run.ours_s - run.decode_s) * 1000 for run in runs]
    return (
        Figure.at_most(
            "path.ratio", statistics.median(ratios), "× bare", LIMIT,
            f"median of {len(runs)} calls at {SNR_DB} dB, from {min(ratios):.2f} to {max(ratios):.2f}; "
            f"the bare call fell back to sampling in {fell_back}",
            runs=[[run.call, round(run.bare_s, 3), round(run.ours_s, 3)] for run in runs],
        ),
        Figure.at_most(
            "path.ratio_of_sums", ours_s / bare_s, "× bare", LIMIT, f"{ours_s:.1f} s and {bare_s:.1f} s"
        ),
        Figure.noted("path.bare", statistics.median(run.bare_s for run in runs), "s", "median a call"),
        Figure.noted("path.ours", statistics.median(run.ours_s for run in runs), "s", "median a call"),
        Figure.noted(
            "path.beside_decode", statistics.median(beside_ms), "ms",
            "median a call: reading, cutting, spool, voice detector, understanding, store, MQTT",
        ),
    )  # fmt: skip


class Gates:
    """Keep recordings from being opened until each is let go, so that the model is loaded before."""

    def __init__(self) -> None:
        self._gates: dict[str, threading.Event] = {}
        self._lock = threading.Lock()

    def gate(self, path: Path) -> threading.Event:
        """Return the recording's gate; any thread may ask."""
        with self._lock:
            return self._gates.setdefault(path.name, threading.Event())

    def open_all(self) -> None:
        """Let all go that wait."""
        with self._lock:
            for gate in self._gates.values():
                gate.set()


@contextmanager
def held_back() -> Iterator[Gates]:
    """Meanwhile the product's wavefile source waits at its gate when it is opened."""
    gates = Gates()
    original = WavefileSource.open

    def open_later(source: WavefileSource) -> None:
        gates.gate(source._options.path).wait()  # noqa: SLF001 - the only place that knows the file
        original(source)

    with patch.object(WavefileSource, "open", open_later):
        try:
            yield gates
        finally:
            gates.open_all()


async def _measure(config: Path, url: str, paths: Sequence[Path], gates: Gates) -> list[_Run]:
    """Bare and ours by turns; the first call goes before the others to load and warm both."""
    bare = _load_bare()
    daemon = Daemon(load_config(config))
    runs: list[_Run] = []
    async with dispatcher(url) as arrivals:
        try:
            await daemon.start()
            gates.gate(Path("silence.wav")).set()
            for number, path in enumerate(paths):
                radio, bare_first = f"call-{number}", number % 2 == 0
                timed = _bare(bare, path) if bare_first else None
                ours_s, decode_s = await _ours(arrivals, path, radio, gates)
                bare_s, fell_back = timed or _bare(bare, path)
                runs.append(_Run(path.stem, bare_s, fell_back, ours_s, decode_s))
        finally:
            gates.open_all()
            await daemon.stop()
    return runs[1:]


async def _ours(arrivals: Arrivals, path: Path, radio: str, gates: Gates) -> tuple[float, float]:
    """Let the daemon have a recording; seconds until its last event arrived, and seconds of decoding."""
    started = time.perf_counter()
    gates.gate(path).set()
    numbers = await arrivals.from_radio(radio, QUIET_S)
    heard = [arrivals.events[n]["data"] for n in numbers]
    transcripts = [data["transcript"] for data in heard if "transcript" in data]
    if len(transcripts) != 1 or not transcripts[0]["text"]:
        raise RuntimeError(f"{path.name}: heard as {[t['text'] for t in transcripts]}, nothing to compare")
    return arrivals.at_s[numbers[-1]] - started, transcripts[0]["decode_s"]


def _load_bare() -> Any:
    from faster_whisper import WhisperModel  # noqa: PLC0415 - takes a second; other benchmarks need it not

    return WhisperModel(
        str(models.path_of("whisper-base")), device="cpu", compute_type="int8", local_files_only=True
    )


def _bare(model: Any, path: Path) -> tuple[float, bool]:
    """Seconds for the plain call on the samples in memory, and whether it had to decode again by sampling."""
    samples = sound.read(path)
    started = time.perf_counter()
    segments = list(model.transcribe(samples, language="zh", beam_size=5)[0])
    return time.perf_counter() - started, any(segment.temperature for segment in segments)
