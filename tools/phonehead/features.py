"""Frames of Whisper's frozen encoder for the training clips, through seeded radio channels.

    python -m tools.phonehead.features WHISPER_DIR OUT SOURCE... [--copies 3] [--start 0 --step 2]

SOURCE is a folder with FLAC files and the parts `tools.phonehead.speech` wrote, or a `manifest.csv` with
file, speaker and transcript. Each clip goes through `copies` different channels; some copies are encoded
alone, filled up to 15 s or 30 s as the product does it, the others share windows to save time.
"""

import argparse
import csv
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile as sf
import soxr

from gateway.recognise.denoise import denoised
from gateway.understand.phones import PHONES
from tools.channel import RATE_HZ, Channel, Samples, active_power, band, transmit
from tools.phonehead.air import rough_air
from tools.phonehead.speech import said_phones

STEP = 320
WINDOW = 30 * RATE_HZ
FIRST_ROUGH_AIR = 6
"""Copies from this number on are heard at 2 to 15 dB, every second one through `tools.phonehead.air`."""
PHONE_COLUMN = {phone: k + 1 for k, phone in enumerate(PHONES)}


@dataclass(frozen=True, slots=True)
class Clip:
    """One recording with the phones said in it; `group` is open, all or human."""

    path: Path
    group: str
    phones: tuple[str, ...]


def clips(source: Path) -> list[Clip]:
    """The clips of one folder, sorted by name."""
    found = []
    for part in sorted(source.glob("part-*.csv")):
        with part.open(encoding="utf-8", newline="") as rows:
            found += [
                Clip(source / row[0], row[2], tuple(row[6].split()))
                for row in csv.reader(rows)
                if (source / row[0]).exists()
            ]
    manifest = source / "manifest.csv"
    if manifest.exists():
        with manifest.open(encoding="utf-8", newline="") as rows:
            found += [
                Clip(source / r["file"], "human", said_phones(r["transcript"])) for r in csv.DictReader(rows)
            ]
    return sorted((c for c in found if c.phones), key=lambda c: c.path.name)


def channel_for(rng: np.random.Generator, copy: int) -> Channel:
    """A radio: the first copy mostly fair, the second mostly poor, the third anything."""
    low, high = ((10, 26), (3, 14), (4, 28))[copy % 3] if copy < FIRST_ROUGH_AIR else (2, 15)
    return Channel(
        snr_db=None if rng.random() < 0.12 else float(rng.uniform(low, high)),
        low_hz=float(rng.uniform(200, 400)),
        high_hz=float(rng.uniform(2_600, 3_500)),
        drive=float(rng.choice([0.0, 1.0, 2.2, 4.0])),
        key_up="click" if rng.random() < 0.2 else "clean",
        squelch_tail_s=float(rng.choice([0.0, 0.0, 0.1, 0.2])),
        lead_s=float(rng.uniform(0.0, 0.5)),
        tail_s=float(rng.uniform(0.05, 0.6)),
        level=float(rng.uniform(0.1, 0.9)),
    )


def rough(clean: Samples, copy: int, seed: int, others: list[Path]) -> Samples:
    """One noisy copy: another speed and pitch, another channel, at times other people or a hum behind it."""
    rng = np.random.default_rng(seed)
    if rng.random() < 0.6:
        # resampling moves pitch and formants together, which makes other speakers out of a few
        clean = soxr.resample(clean, RATE_HZ, RATE_HZ / rng.uniform(0.88, 1.13)).astype(np.float32)
    if copy >= FIRST_ROUGH_AIR and rng.random() < 0.5:
        chosen = rng.integers(len(others), size=int(rng.integers(1, 7)))
        voices = [sf.read(others[int(k)], dtype="float32")[0] for k in chosen]
        return rough_air(clean, channel_for(rng, copy), seed, voices)
    kind = rng.random()
    if kind < 0.15:
        other, _ = sf.read(others[int(rng.integers(len(others)))], dtype="float32")
        behind: Samples = np.resize(other, len(clean)).astype(np.float32)
        clean = clean + behind * _scale(clean, behind, float(rng.uniform(8, 22)))
    elif kind < 0.3:
        hum = band(np.cumsum(rng.standard_normal(len(clean))), 150, 1_500)
        clean = clean + hum * _scale(clean, hum, float(rng.uniform(6, 20)))
    return transmit(clean, channel_for(rng, copy), seed)


def _scale(speech: Samples, behind: npt.NDArray[np.floating], snr_db: float) -> np.float32:
    own = active_power(behind)
    return np.float32(np.sqrt(active_power(speech) / own / 10 ** (snr_db / 10))) if own else np.float32(0)


class Encoder:
    """Whisper's encoder as the product runs it: int8, one window, mel padded with zeros."""

    def __init__(self, folder: str, threads: int = 1) -> None:
        from faster_whisper import WhisperModel  # noqa: PLC0415

        self._whisper: Any = WhisperModel(folder, device="cpu", compute_type="int8", cpu_threads=threads)

    def __call__(self, samples: Samples, context_s: int = 30) -> npt.NDArray[np.float16]:
        """At most 30 s of audio to rows of 512, one for each 20 ms of it, filled up to `context_s`.

        Its noise must have been taken out before, call by call, as the product does.
        """
        mel = self._whisper.feature_extractor(samples)[:, : -(-len(samples) // 160)]
        width = max(context_s * 100, -(-mel.shape[1] // 500) * 500)
        padded = np.pad(mel, ((0, 0), (0, max(0, width - mel.shape[1]))))[:, :3_000]
        frames: Samples = np.array(self._whisper.encode(padded), np.float32)[0]
        return frames[: -(-len(samples) // STEP)].astype(np.float16)


def packed(batch: list[tuple[Samples, Clip]]) -> Iterator[list[tuple[Samples, Clip]]]:
    """Group copies into windows of 30 s, each padded to a whole frame."""
    window: list[tuple[Samples, Clip]] = []
    used = 0
    for samples, clip in batch:
        padded = np.pad(samples, (0, -len(samples) % STEP)).astype(np.float32)
        if window and used + len(padded) > WINDOW:
            yield window
            window, used = [], 0
        window.append((padded, clip))
        used += len(padded)
    if window:
        yield window


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("whisper")
    parser.add_argument("out", type=Path)
    parser.add_argument("sources", type=Path, nargs="+")
    parser.add_argument("--copies", type=int, default=3)
    parser.add_argument("--first-copy", type=int, default=0, help=f"from {FIRST_ROUGH_AIR} on: rougher air")
    parser.add_argument("--alone", type=int, default=3, help="every how many copies are encoded alone")
    parser.add_argument("--start", type=int, default=0)
    parser.add_argument("--step", type=int, default=1)
    parser.add_argument("--groups", default="open,all,human")
    parser.add_argument("--skip", type=Path, nargs="*", default=[], help="folders whose clips are done")
    arguments = parser.parse_args()
    encode = Encoder(arguments.whisper)
    everything = [c for s in arguments.sources for c in clips(s) if c.group in arguments.groups.split(",")]
    paths = [c.path for c in everything]
    done = {
        row["clip"] for f in arguments.skip for p in f.glob("*.json") for row in json.loads(p.read_text())
    }
    own = [c for c in everything if c.path.name not in done][arguments.start :: arguments.step]
    arguments.out.mkdir(parents=True, exist_ok=True)
    for copy in range(arguments.first_copy, arguments.first_copy + arguments.copies):
        frames: list[npt.NDArray[np.float16]] = []
        rows: list[dict[str, object]] = []
        at = 0
        shared: list[tuple[Samples, Clip]] = []
        alone: list[tuple[Samples, Clip]] = []
        for number, clip in enumerate(own):
            seed = int.from_bytes(hashlib.sha256(f"{clip.path.name}/{copy}".encode()).digest()[:6])
            clean, _ = sf.read(clip.path, dtype="float32")
            samples = denoised(rough(clean, copy, seed, paths)[: WINDOW - STEP])
            (alone if (number + copy) % arguments.alone == 0 else shared).append((samples, clip))
        for number, window in enumerate((*packed(shared), *([one] for one in alone))):
            context_s = 30 if len(window) == 1 and number % 4 == 0 else 15
            encoded = encode(np.concatenate([samples for samples, _ in window]), context_s)
            start = 0
            for samples, clip in window:
                end = start + -(-len(samples) // STEP)
                part = encoded[start:end]
                frames.append(part)
                labels = [PHONE_COLUMN[p] for p in clip.phones]
                rows.append(
                    {
                        "clip": clip.path.name,
                        "at": at,
                        "frames": len(part),
                        "group": clip.group,
                        "labels": labels,
                    }
                )
                at += len(part)
                start = end
        stem = f"copy{copy}-{arguments.start}-{arguments.step}"
        np.save(arguments.out / f"{stem}.npy", np.concatenate(frames))
        (arguments.out / f"{stem}.json").write_text(json.dumps(rows))
        print(stem, len(rows), "copies", at * 0.02 / 60, "minutes", flush=True)


if __name__ == "__main__":
    main()
