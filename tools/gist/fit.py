"""Fit what the evidence for a kind of incident is worth (gateway/understand/kindfitted.py).

    python -m tools.gist.fit [--splits dev test blind sealed vault] [--write]

Hears the calls of each split at 20, 12 and 8 dB as the product does, with a gist trained without the split's
sentences, and finds the weights that make their kinds likeliest. Prints, for each split by the weights of the
others, how many kinds are told; `--write` puts the weights of all where the product reads them (run ruff
format after it). What Whisper made of the recordings is kept under .cache/bench/heard; the first run takes
hours, a later one some twenty minutes.
"""

import argparse
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import numpy as np
import numpy.typing as npt

from bench import recordings as sound
from bench.remembered import remembered
from bench.understanding import SNRS_DB, aired
from gateway.events import CloudEvent
from gateway.knowledge import build_knowledge, read_lexicon
from gateway.log import configure_log
from gateway.model import Transcript
from gateway.replay import replay, settings_of
from gateway.understand import understand as product
from gateway.understand.callreading import CallReading, Context
from gateway.understand.gist import NOTHING, Gist
from gateway.understand.kindfitted import BESIDE, TEXT_ALONE
from gateway.understand.kindweighed import kind_traits
from gateway.understand.lexicon import Lexicon
from gateway.understand.polarity import Polarity
from gateway.understand.registry import units_to_csv
from gateway.understand.resolve import Parties
from gateway.understand.secondreading import SecondReading
from gateway.understand.weights import KindWeights
from tools.calls import Call, read_manifest
from tools.cityregistry import city_units
from tools.corpus import CITY_SEED, COMMAND_POST, city_folder
from tools.gist.train import Plan, lessons, train

ROOT = Path(__file__).resolve().parents[2]
WRITTEN = ROOT / "gateway" / "understand" / "kindfitted.py"
SPLITS = ("dev", "test", "blind", "sealed", "vault")
L2 = 3e-4
STEPS = 40
CLOSE = 1e-4
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Row:
    """A reported kind's call: the traits of every kind (kinds x weights), and which kind is right."""

    split: str
    snr_db: int
    traits: Floats
    right: int


def heard(calls: Sequence[Call], split: str, snr_db: int) -> Iterator[tuple[Call, Transcript]]:
    """Each call as the product's recogniser and phone head hear it."""
    with TemporaryDirectory() as work:
        units = Path(work) / "units.csv"
        units.write_text(units_to_csv(city_units(CITY_SEED[split])), encoding="utf-8")
        paths = {}
        for call in calls:
            path = Path(work) / f"{Path(call.file).stem}@{snr_db}.wav"
            paths[sound.record([aired(call, float(snr_db))], path)] = call
        found: dict[str, list[Transcript]] = {path.stem: [] for path in paths}
        latest: list[Transcript] = []

        def told(event: CloudEvent) -> None:
            if event.kind == "transmission.received" and latest:
                found[event.data["radio"]].append(latest.pop())

        with remembered():
            replay(
                list(paths),
                settings_of(None, units=units),
                told,
                on_heard=lambda one: latest.append(one.transcript),
            )
    for path, call in paths.items():
        for transcript in found[path.stem]:
            yield call, transcript


def rows_of(split: str) -> tuple[list[Row], list[Row]]:
    """A split's rows with the phones and without, the gist having never seen its sentences."""
    gist = train(lessons([split]), Plan())
    kinds = [kind for kind in gist.kinds if kind != NOTHING]
    lexicon = read_lexicon()
    resolver = build_knowledge(city_units(CITY_SEED[split]), COMMAND_POST, lexicon, lambda: "").resolver
    manifest = read_manifest(city_folder(split) / "manifest.csv")
    calls = [call for call in manifest if call.split == split and call.code in kinds]
    beside: list[Row] = []
    alone: list[Row] = []
    for snr_db in SNRS_DB:
        for call, transcript in heard(calls, split, snr_db):
            for rows, phones in ((beside, transcript.phones), (alone, None)):
                said = replace(transcript, phones=phones)
                traits = traits_of(said, resolver.resolve(said.text, phones), lexicon, gist)
                table = np.array([traits.get(kind, KindWeights()) for kind in kinds], dtype=np.float64)
                rows.append(Row(split, snr_db, table, kinds.index(call.code)))
    return beside, alone


def traits_of(
    transcript: Transcript, parties: Parties, lexicon: Lexicon, gist: Gist
) -> dict[str, KindWeights]:
    """What the product weighs in one call, taken where it weighs it."""
    taken: dict[str, KindWeights] = {}

    def take(
        _: Gist,
        first: CallReading,
        settled: tuple[CallReading, Polarity, list[str]],
        again: SecondReading | None,
    ) -> tuple[CallReading, Polarity, list[str]]:
        words = again.words if again is not None else None
        readings = [gist.tell(first.reading.masked), *([gist.tell(words.plain)] if words is not None else [])]
        taken.update(kind_traits(readings, first.reading, settled[0].chosen, words))
        return settled

    with patch.object(product, "kind_by_gist", take):
        product.understand(transcript, parties, Context(command_post=COMMAND_POST), lexicon)
    return taken


def fitted(rows: Sequence[Row]) -> KindWeights:
    """The likeliest weights: multinomial logistic regression by Newton's steps, halved where too far."""
    traits = np.stack([row.traits for row in rows])
    right = np.array([row.right for row in rows])
    weights = np.zeros(traits.shape[2])
    for _ in range(STEPS):
        shares = _shares(traits, weights)
        mean = np.einsum("nk,nkw->nw", shares, traits)
        slope = (traits[np.arange(len(rows)), right] - mean).mean(axis=0) - 2 * L2 * weights
        around = traits - mean[:, None, :]
        bend = np.einsum("nk,nkv,nkw->vw", shares, around, around) / len(rows)
        step = np.linalg.solve(bend + 2 * L2 * np.eye(len(weights)), slope)
        was = _worth(traits, right, weights)
        while np.abs(step).max() > CLOSE and _worth(traits, right, weights + step) < was:
            step /= 2
        weights += step
    return KindWeights(*map(float, np.round(weights, 2)))


def _shares(traits: Floats, weights: Floats) -> Floats:
    nats = traits @ weights
    shares = np.exp(nats - nats.max(axis=1, keepdims=True))
    return np.asarray(shares / shares.sum(axis=1, keepdims=True))


def _worth(traits: Floats, right: npt.NDArray[np.int64], weights: Floats) -> float:
    """The mean log-likelihood, less what large weights cost."""
    likely = _shares(traits, weights)[np.arange(len(right)), right]
    return float(np.log(np.maximum(likely, 1e-300)).mean() - L2 * (weights**2).sum())


def told(rows: Sequence[Row], weights: KindWeights) -> str:
    """How many kinds these weights tell, by SNR."""
    of, right = Counter[int](), Counter[int]()
    for row in rows:
        of[row.snr_db] += 1
        right[row.snr_db] += int((row.traits @ np.array(weights)).argmax()) == row.right
    return ", ".join(f"{right[snr]} of {of[snr]} at {snr} dB" for snr in SNRS_DB)


def written(beside: KindWeights, alone: KindWeights) -> str:
    """The file that holds the weights, with these."""
    text = WRITTEN.read_text(encoding="utf-8")
    head = text[: text.index("BESIDE")]
    tables = (("BESIDE", beside), ("TEXT_ALONE", alone))
    return head + "\n".join(f"{name}: Final = {weights!r}" for name, weights in tables) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--splits", nargs="+", default=list(SPLITS))
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    configure_log("error")
    pairs = [rows_of(split) for split in arguments.splits]
    both = {"beside phones": [p[0] for p in pairs], "text alone": [p[1] for p in pairs]}
    for name, parts in both.items():
        for i, split in enumerate(arguments.splits):
            others = [row for j, part in enumerate(parts) if j != i for row in part]
            if others:
                print(f"{name}, {split} by the others' weights: {told(parts[i], fitted(others))}", flush=True)
    weights = [fitted([row for part in parts for row in part]) for parts in both.values()]
    print(f"were {BESIDE} {TEXT_ALONE}\nare  {weights[0]} {weights[1]}")
    if arguments.write:
        WRITTEN.write_text(written(*weights), encoding="utf-8")


if __name__ == "__main__":
    main()
