"""The whole path, audio in to event at a subscriber, against the bare recogniser on the same audio."""

import asyncio
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import recordings as sound
from bench.figure import Figure, Options, Report
from bench.station import dispatcher, folder, mosquitto, write_config
from gateway.app import Daemon
from gateway.config import DeviceSettings, RadioSettings, load_config
from gateway.recognise import models

SNR_DB = 20
LIMIT = 1.15


@dataclass(frozen=True, slots=True)
class _Run:
    """Seconds for one call: bare, ours, and the recogniser's share of ours as the event tells it."""

    call: str
    bare_s: float
    bare_fell_back: bool
    ours_s: float
    decode_s: float
    events: int

    @property
    def ratio(self) -> float:
        return self.ours_s / self.bare_s


def whole_path(options: Options) -> Report:
    """Time the daemon with its model loaded, real mosquitto and a subscriber; bare and ours alternate."""
    with folder() as where, mosquitto(where) as url:
        config = write_config(where, url)
        reports = [call for call in sound.own_calls(("test",)) if call.kind == "report"]
        step = max(1, len(reports) // options.path_calls)
        chosen = reports[::step][: options.path_calls]
        made = sound.record_calls(chosen, SNR_DB, where / "calls")
        paths = [where / "calls" / f"{stem}.wav" for stem in made]
        runs = asyncio.run(_measure(config, url, paths))
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


async def _measure(config: Path, url: str, paths: Sequence[Path]) -> list[_Run]:
    bare = _load_bare()
    daemon = Daemon(load_config(config))
    async with dispatcher(url) as arrivals:
        await daemon.start()
        try:
            assert daemon._listener is not None  # noqa: SLF001 - nobody outside needs to know that it is loaded
            await daemon._listener  # noqa: SLF001
            await _ours(daemon, arrivals, paths[0], "warm")
            _bare(bare, paths[0])
            runs: list[_Run] = []
            for number, path in enumerate(paths):
                bare_first = number % 2 == 0
                timed = _bare(bare, path) if bare_first else None
                ours_s, decode_s, events = await _ours(daemon, arrivals, path, f"call-{number}")
                bare_s, fell_back = timed or _bare(bare, path)
                runs.append(_Run(path.stem, bare_s, fell_back, ours_s, decode_s, events))
        finally:
            await daemon.stop()
    return runs


async def _ours(daemon: Daemon, arrivals: Any, path: Path, radio_id: str) -> tuple[float, float, int]:
    """Hand a recording to the running daemon as a new radio; seconds until its last event has arrived."""
    source = DeviceSettings.model_validate({"kind": "wavefile", "path": str(path), "pace": "fast"})
    before = await daemon._store.last_sequence()  # noqa: SLF001
    started = time.perf_counter()
    daemon._add_radio(RadioSettings(id=radio_id, source=source), None)  # noqa: SLF001 - as `start` does
    radio = daemon._radios[radio_id]  # noqa: SLF001
    radio.start()
    await radio.run()
    last = await daemon._store.last_sequence()  # noqa: SLF001
    if last == before:
        raise RuntimeError(f"{path.name}: the daemon made no event of it; see its log")
    arrived = await arrivals.have(last)
    mine = [arrivals.events[n]["data"] for n in range(before + 1, last + 1) if n in arrivals.events]
    decode_s = sum(data["transcript"]["decode_s"] for data in mine if "transcript" in data)
    if decode_s == 0:
        raise RuntimeError(f"{path.name}: no words came out, so there is nothing to compare")
    return arrived - started, decode_s, last - before


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
