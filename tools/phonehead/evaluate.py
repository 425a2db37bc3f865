"""How well a head hears: phone error and name search on the corpus, false alarms on people reading news.

    python -m tools.phonehead.evaluate encode WHISPER_DIR OUT [--split test] [--snr 20,12,8] [--fitted]
    python -m tools.phonehead.evaluate score HEAD.onnx OUT [--units REGISTRY.csv]

`encode` is slow and done once; `score` then takes seconds. Calls are encoded alone, as the product does it.
"""

import argparse
import csv
import json
import zlib
from pathlib import Path

import numpy as np
import soundfile as sf

from gateway.model import PhoneEvidence
from gateway.recognise.phonehead import PhoneHead
from gateway.recognise.vad import Vad
from gateway.recognise.whisper import WhisperRecogniser
from gateway.understand.phones import PHONES, pronunciations
from gateway.understand.phonesearch import PhoneHit, PhoneIndex
from gateway.understand.registry import parse_units_csv
from tools.calls import Call, read_manifest
from tools.channel import Channel, transmit
from tools.registry import synthetic_units

UNITS = Path(__file__).resolve().parents[2] / "tests" / "data" / "units.csv"
REGISTRY_SIZE = 2_702


def recordings(folder: Path, split: str) -> list[Path]:
    """The split's calls of a corpus, or, for any other manifest, all it lists."""
    with (folder / "manifest.csv").open(encoding="utf-8", newline="") as rows:
        listed = [row for row in csv.DictReader(rows) if row.get("split", split) == split]
    return [folder / row["file"] for row in listed]


def encode(whisper: Path, out: Path, paths: list[Path], snrs: list[float], *, fitted: bool) -> None:
    """Frames and transcript of every recording at each SNR by the product's recogniser, once each."""
    frames: list[np.ndarray] = []

    def catch(rows: np.ndarray) -> PhoneEvidence:
        frames.append(rows)
        return PhoneEvidence(np.zeros((0, len(PHONES) + 1), np.float32), PHONES)

    recogniser = WhisperRecogniser(whisper, Vad(), threads=1, phone_head=catch, fitted=fitted)
    out.mkdir(parents=True, exist_ok=True)
    for recording in paths:
        clean, _ = sf.read(recording, dtype="float32")
        for snr in snrs:
            path = out / f"{recording.stem}@{snr:g}.npy"
            if path.exists():
                continue
            noisy = transmit(clean, Channel(snr_db=snr), zlib.crc32(recording.name.encode()))
            frames.clear()
            transcript = recogniser.transcribe((noisy * 32_767).astype(np.int16))
            heard = {
                "text": transcript.text,
                "doubts": transcript.doubts,
                "confidence": transcript.confidence,
            }
            path.with_suffix(".json").write_text(json.dumps(heard, ensure_ascii=False))
            np.save(path, np.concatenate(frames or [np.zeros((0, 512))]).astype(np.float16))


def registry_names() -> dict[str, str]:
    """Unit id to name: the corpus's own units, filled up to 2,702 with made-up ones."""
    own = {u.unit_id: u.name for u in parse_units_csv(UNITS.read_bytes(), UNITS.name)}
    filled = {f"x{u.unit_id}": u.name for u in synthetic_units() if u.name not in own.values()}
    return dict([*own.items(), *filled.items()][:REGISTRY_SIZE])


def greedy(evidence: PhoneEvidence) -> list[str]:
    """The best free path's phones."""
    best = evidence.log_probs.argmax(axis=1)
    keep = best[np.flatnonzero(np.diff(best, prepend=0))] if len(best) else best
    return [evidence.phones[k - 1] for k in keep if k]


def edits(heard: list[str], said: list[str]) -> int:
    """Levenshtein distance."""
    row = list(range(len(said) + 1))
    for i, h in enumerate(heard, 1):
        last, row[0] = row[0], i
        for j, s in enumerate(said, 1):
            last, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, last + (h != s))
    return row[-1]


def entries(names: dict[str, str]) -> tuple[list[str], PhoneIndex]:
    """Owner of each entry, and the index of every way to say every name."""
    owners, phrases = [], []
    for unit_id, name in names.items():
        for phones in pronunciations(name.removesuffix("最小应急单元")):
            owners.append(unit_id)
            phrases.append(phones)
    return owners, PhoneIndex(phrases)


def best_units(hits: tuple[PhoneHit, ...], owners: list[str]) -> list[tuple[str, PhoneHit]]:
    """Each unit's best hit, best unit first."""
    found: dict[str, PhoneHit] = {}
    for hit in hits:
        found.setdefault(owners[hit.entry], hit)
    return list(found.items())


def score(head: PhoneHead, out: Path, calls: list[Call]) -> None:
    from tools.phonehead.speech import said_phones  # noqa: PLC0415 - the phonemiser is in the tools' environment

    owners, index = entries(registry_names())
    for snr in sorted({p.stem.split("@")[1] for p in out.glob("*@*.npy")}, key=float, reverse=True):
        wrong = total = named = first = among = 0
        misses = []
        for call in calls:
            path = out / f"{Path(call.file).stem}@{snr}.npy"
            if not path.exists():
                continue
            evidence = head(np.load(path).astype(np.float32))
            said = list(said_phones(call.text))
            wrong, total = wrong + edits(greedy(evidence), said), total + len(said)
            who = call.caller_id or next((i for i, n in registry_names().items() if n == call.callee), "")
            if not who:
                continue
            ranked = best_units(index.search(evidence), owners)
            named += 1
            first += ranked[0][0] == who
            among += who in [unit for unit, _ in ranked[:20]]
            if ranked[0][0] != who:
                misses.append(f"{registry_names()[who]}→{registry_names()[ranked[0][0]]}")
        per = f"{100 * wrong / max(total, 1):.1f} %"
        print(f"{snr} dB: phone error {per}; {named} names: first {100 * first / max(named, 1):.1f} %, "
              f"among 20 {100 * among / max(named, 1):.1f} %")  # fmt: skip
        print("   ", " ".join(misses[:12]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("encode", "score"))
    parser.add_argument("model")
    parser.add_argument("out", type=Path)
    parser.add_argument("--calls", type=Path, default=Path(".cache/corpus"))
    parser.add_argument("--split", default="test")
    parser.add_argument("--snr", default="20,12,8")
    parser.add_argument("--fitted", action="store_true", help="fill calls up to 15 s instead of 30 s")
    arguments = parser.parse_args()
    if arguments.what == "encode":
        snrs = [float(s) for s in arguments.snr.split(",")]
        paths = recordings(arguments.calls, arguments.split)
        encode(Path(arguments.model), arguments.out, paths, snrs, fitted=arguments.fitted)
    else:
        calls = [c for c in read_manifest(arguments.calls / "manifest.csv") if c.split == arguments.split]
        score(PhoneHead(Path(arguments.model)), arguments.out, calls)


if __name__ == "__main__":
    assert len(PHONES) == len(set(PHONES))
    main()
