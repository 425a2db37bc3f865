"""What understanding and hearing cost on one core: CPU time of this thread, free of neighbours."""

import random
import statistics
import time
from collections.abc import Sequence

import numpy as np

from bench import recordings as sound
from bench.figure import Figure, Options, Report
from drivers.base import AudioFormat
from gateway.hear.audio import Converter
from gateway.hear.segmenter import Closed, Opened, Segmenter, SquelchEvent
from gateway.model import RATE_HZ, Pcm, Unit
from gateway.understand.normalise import normalise
from gateway.understand.registry import Registry
from gateway.understand.resolve import Resolver
from tools.channel import Placed, conversation
from tools.registry import synthetic_units

TRANSCRIPTS = 400
MISHEARD = 0.2
"""Share of the characters that are replaced in every other transcript: Whisper base on narrow-band radio."""
CHUNK_S = 0.1
STREAM_SNR_DB = 20
MAY_LACK_S = 0.15
"""Of a call, nothing but its open carrier and squelch tail may be cut off."""


def resolve(_options: Options) -> Report:
    """Transcripts of the corpus's sentences, with units of the registry in them, half of them misheard."""
    figures: list[Figure] = []
    for scale, limit_ms in ((1, 5.0), (10, 20.0)):
        units = synthetic_units(scale=scale)
        started = time.thread_time()
        resolver = Resolver(Registry(units), "指挥中心")
        index_s = time.thread_time() - started
        texts = _transcripts(units)
        for text in texts[:20]:
            resolver.resolve(text)
        cpu_ms, wall_ms = _resolve_all(resolver, texts[20:])
        count = f"{len(units)}"
        figures += [
            Figure.at_most(
                f"resolve.{count}.p95", _p95(cpu_ms), "ms", limit_ms,
                f"CPU time, {len(cpu_ms)} transcripts, text only",
                median_ms=round(statistics.median(cpu_ms), 2), max_ms=round(max(cpu_ms), 2),
                wall_p95_ms=round(_p95(wall_ms), 2),
            ),
            Figure.noted(f"resolve.{count}.index", index_s, "s", "building the index, CPU time"),
        ]  # fmt: skip
    return Report(tuple(figures))


def segment(_options: Options) -> Report:
    """The calls one after the other at 20 dB with gaps, in chunks as a recording is read."""
    calls = sound.own_calls()
    aired = [sound.on_air(sound.clean(call), call.file, STREAM_SNR_DB) for call in calls]
    joined, placed = conversation(aired, 5)
    stream: Pcm = np.rint(np.clip(joined, -1, 1) * 32_767).astype(np.int16)
    seconds = len(stream) / RATE_HZ
    cpu_s, cut = min((_segment(stream) for _ in range(3)), key=lambda timed: timed[0])
    whole = sum(_is_whole(call, cut, placed) for call in placed)
    resample_s = min(_resample(stream) for _ in range(3))
    return Report((
        Figure.at_least(
            "segment.speed", seconds / cpu_s, "× real time", 200.0,
            f"CPU time, {seconds / 60:.0f} min with {len(placed)} calls in {CHUNK_S} s chunks",
        ),
        Figure.at_least(
            "segment.whole_calls", whole / len(placed), "share", 1.0,
            f"{whole} of {len(placed)} calls are one transmission, whole and alone in it "
            f"({len(cut)} transmissions)",
        ),
        Figure.noted(
            "segment.speed_from_48_khz_stereo", seconds / (cpu_s + resample_s), "× real time",
            "the same with mixing and resampling before it",
        ),
    ))  # fmt: skip


def _transcripts(units: Sequence[Unit]) -> list[str]:
    rng = random.Random(11)
    calls = [call for call in sound.own_calls() if call.text]
    letters = "".join(unit.name for unit in units[:500])
    texts: list[str] = []
    for number in range(TRANSCRIPTS):
        call = rng.choice(calls)
        name = rng.choice(units).name
        named = call.caller or (call.callee if call.callee != "command" else "")
        text = call.text.replace(named, name.removesuffix("最小应急单元")) if named else call.text
        if number % 2:
            text = "".join(rng.choice(letters) if rng.random() < MISHEARD else char for char in text)
        texts.append(normalise(text))
    return texts


def _resolve_all(resolver: Resolver, texts: Sequence[str]) -> tuple[list[float], list[float]]:
    cpu_ms, wall_ms = [], []
    for text in texts:
        wall, cpu = time.perf_counter(), time.thread_time()
        resolver.resolve(text)
        cpu_ms.append((time.thread_time() - cpu) * 1000)
        wall_ms.append((time.perf_counter() - wall) * 1000)
    return cpu_ms, wall_ms


def _segment(stream: Pcm) -> tuple[float, list[Placed]]:
    """CPU seconds, and where the transmissions lie."""
    segmenter = Segmenter()
    chunk = round(CHUNK_S * RATE_HZ)
    events: list[SquelchEvent] = []
    started = time.thread_time()
    for at in range(0, len(stream), chunk):
        events += segmenter.feed(stream[at : at + chunk])
    events += segmenter.flush()
    took_s = time.thread_time() - started
    starts = [event.start for event in events if isinstance(event, Opened)]
    ends = [event.end for event in events if isinstance(event, Closed)]
    return took_s, [Placed(s / RATE_HZ, e / RATE_HZ) for s, e in zip(starts, ends, strict=True)]


def _is_whole(call: Placed, cut: Sequence[Placed], placed: Sequence[Placed]) -> bool:
    """Whether exactly one transmission touches the call, holds nearly all of it and nothing of another."""
    mine = [one for one in cut if _overlap_s(one, call) > 0]
    if len(mine) != 1 or _overlap_s(mine[0], call) < call.end_s - call.start_s - MAY_LACK_S:
        return False
    return sum(_overlap_s(mine[0], other) > 0 for other in placed) == 1


def _overlap_s(one: Placed, other: Placed) -> float:
    return min(one.end_s, other.end_s) - max(one.start_s, other.start_s)


def _resample(stream: Pcm) -> float:
    """CPU seconds that bringing the stream down from 48 kHz and two channels takes."""
    wide = np.repeat(np.repeat(stream, 3)[:, None], 2, axis=1)
    converter = Converter(AudioFormat(48_000, 2, 2))
    chunk = round(CHUNK_S * 48_000)
    pieces = [wide[at : at + chunk].tobytes() for at in range(0, len(wide), chunk)]
    started = time.thread_time()
    for piece in pieces:
        converter.feed(piece)
    converter.flush()
    return time.thread_time() - started


def _p95(values: Sequence[float]) -> float:
    return statistics.quantiles(values, n=20)[-1]
