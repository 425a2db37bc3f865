"""Fit what a heard name is worth (PhoneNameSettings) on the dev split, and check it on the test split.

    python -m tools.phonehead.fit HEAD.onnx DEV_DIR TEST_DIR [--nobody NEWS_DIR]

Reads what `tools.phonehead.evaluate encode` wrote. For each call the units compete with "nobody"; the
settings are those with the greatest likelihood of the truth, every SNR counting alike.
"""

import argparse
import itertools
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gateway.recognise.phonehead import PhoneHead
from tools.calls import Call, read_manifest
from tools.phonehead.evaluate import best_units, entries, registry_names

CORPUS = Path(".cache/corpus/manifest.csv")


@dataclass(frozen=True, slots=True)
class Trial:
    """One recording: the candidate units with phones and cost of their best hits, and who was named or ""."""

    name: str
    snr: str
    truth: str
    units: tuple[str, ...]
    phones: np.ndarray
    costs: np.ndarray


def trials(head: PhoneHead, folder: Path, truth: dict[str, str]) -> list[Trial]:
    owners, index = entries(registry_names())
    found = []
    for path in sorted(folder.glob("*@*.npy")):
        stem, _, snr = path.stem.partition("@")
        if stem not in truth:
            continue
        hits = best_units(index.search(head(np.load(path).astype(np.float32))), owners)
        found.append(
            Trial(
                stem, snr, truth[stem], tuple(u for u, _ in hits),
                np.array([h.phones for _, h in hits], float), np.array([h.cost_nats for _, h in hits]),
            )
        )  # fmt: skip
    return found


def shares(trial: Trial, credit: float, slope: float, absent: float) -> np.ndarray:
    """Probabilities of the trial's units; the rest is nobody's."""
    nats = np.minimum(slope * (credit * trial.phones - trial.costs - absent), 50)
    weights = np.exp(nats)
    return weights / (weights.sum() + 1)


def surprise(given: list[Trial], credit: float, slope: float, absent: float) -> float:
    """Mean negative log-probability of the truth."""
    total = 0.0
    for trial in given:
        share = shares(trial, credit, slope, absent)
        if trial.truth:
            right = [s for unit, s in zip(trial.units, share, strict=True) if unit == trial.truth]
            total -= math.log(max(right[0] if right else 0.0, 1e-3))
        else:
            total -= math.log(max(1 - share.sum(), 1e-3))
    return total / len(given)


def table(given: list[Trial], credit: float, slope: float, absent: float, least: float) -> None:
    for snr in sorted({t.snr for t in given}, key=float, reverse=True):
        own = [t for t in given if t.snr == snr]
        named = [t for t in own if t.truth]
        counts = dict.fromkeys(("right", "wrong", "unknown", "false"), 0)
        first = 0
        for trial in own:
            share = shares(trial, credit, slope, absent)
            best = int(share.argmax())
            first += bool(trial.truth) and trial.units[best] == trial.truth
            if share[best] < least:
                counts["unknown"] += bool(trial.truth)
            elif trial.units[best] == trial.truth:
                counts["right"] += 1
            else:
                counts["wrong" if trial.truth else "false"] += 1
        print(f"  {snr} dB: {len(named)} named, best guess right {first}, matched right {counts['right']}, "
              f"wrong {counts['wrong']}, unknown {counts['unknown']}; "
              f"{len(own) - len(named)} with nobody, falsely named {counts['false']}")  # fmt: skip


def named_in(call: Call) -> str:
    """The unit that is named in a call: its caller, else the unit called."""
    if call.caller_id:
        return call.caller_id
    return next((i for i, name in registry_names().items() if name == call.callee), "")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("head", type=Path)
    parser.add_argument("dev", type=Path)
    parser.add_argument("test", type=Path)
    parser.add_argument("--nobody", type=Path, nargs="*", default=[])
    parser.add_argument("--least", type=float, default=0.9)
    arguments = parser.parse_args()
    head = PhoneHead(arguments.head)
    truth = {Path(c.file).stem: named_in(c) for c in read_manifest(CORPUS)}
    dev, test = trials(head, arguments.dev, truth), trials(head, arguments.test, truth)
    for folder in arguments.nobody:
        nobody = {p.stem.partition("@")[0]: "" for p in folder.glob("*.npy")}
        both = trials(head, folder, nobody)
        dev, test = dev + both[::2], test + both[1::2]
    grid = itertools.product(np.arange(0.6, 3.6, 0.2), np.arange(0.2, 2.1, 0.1), np.arange(0, 44, 2.0))
    best = min(grid, key=lambda p: surprise(dev, *p))
    credit, slope, absent = best
    print(f"credit {credit:.1f}, slope {slope:.1f}, absent gain {absent:.1f}; "
          f"surprise dev {surprise(dev, *best):.3f}, test {surprise(test, *best):.3f}")  # fmt: skip
    print("dev")
    table(dev, *best, arguments.least)
    print("test")
    table(test, *best, arguments.least)


if __name__ == "__main__":
    main()
