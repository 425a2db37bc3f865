"""Fit how head counts are told by ear (gateway/understand/countsaid.py) on calls whose count is known.

    python -m tools.phonehead.counts HEAD.onnx [--write] [--cache .cache/phonehead]

Reads what `tools.phonehead.evaluate encode` wrote into `eval-city-dev`, `-test` and `-blind`, as decision.py
does; a minute or two. Calls that report, end or order something are left out: there only the text counts.
Prints, by six-fold cross-validation over sentences, how many counts are right, wrong, absent and told where
none was said, then fits on all calls; `--write` puts the weights into countsaid.py.
"""

import argparse
import json
import re
import zlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from gateway.knowledge import read_lexicon
from gateway.model import PhoneEvidence
from gateway.recognise.phonehead import PhoneHead
from gateway.understand import countsaid
from gateway.understand.countsaid import candidates, count_features, number_features
from gateway.understand.headcount import read_headcount
from gateway.understand.headcounts import BUSY
from gateway.understand.lexicon import Lexicon
from gateway.understand.naming import names_in
from gateway.understand.phonereading import read_phones
from gateway.understand.reading import read
from gateway.understand.registry import Registry
from gateway.understand.resolve import Resolver
from tools.calls import Call, read_manifest
from tools.cityregistry import city_units
from tools.corpus import CITY, CITY_SEED, COMMAND_POST, FITTED_ON

FOLDS = 6
STEPS = 400
SPREAD = np.array([0.25, 1.0, 4.0, 1.0, 1.0, 1.0, 1.0])
"""Features of a count in like units, so that one strength holds all its weights back."""
WRITTEN = Path(countsaid.__file__)
Values = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Row:
    """One recording: what speaks for each number and for there being a count, and what is true."""

    sentence: str
    snr_db: float
    numbers: tuple[int, ...]
    each: Values
    counted: tuple[tuple[float, ...], ...]
    written: int | None
    truth: int | None

    @property
    def right(self) -> int | None:
        """Which of `numbers` is true; None when none is."""
        return self.numbers.index(self.truth) if self.truth in self.numbers else None


def rows_of(head: PhoneHead, split: str, cache: Path, lexicon: Lexicon) -> list[Row]:
    """The split's calls that do nothing to an incident, at every SNR."""
    resolver = Resolver(Registry(city_units(CITY_SEED[split])), COMMAND_POST)
    calls = {Path(c.file).stem: c for c in read_manifest(CITY / "manifest.csv") if c.split == split}
    found = []
    for path in sorted((cache / f"eval-city-{split}").glob("*@*.npy")):
        stem, _, snr = path.stem.partition("@")
        call = calls.get(stem)
        if call is None or call.polarity != "none" or call.kind == "command":
            continue
        text = json.loads(path.with_suffix(".json").read_text())["text"]
        row = _row(call, float(snr), text, head(np.load(path).astype(np.float32)), resolver, lexicon)
        found += [row] if row else []
    return found


def _row(
    call: Call, snr_db: float, said: str, phones: PhoneEvidence, resolver: Resolver, lexicon: Lexicon
) -> Row | None:
    text = lexicon.fold(said)
    parties = resolver.resolve(text, phones)
    reading = read(text, lexicon, names_in(text, parties, lexicon))
    times = read_phones(phones).times if len(phones.log_probs) else ()
    if not times:
        return None
    names = [one.span_s for one in (parties.caller, parties.callee) if one.span_s]
    spoken_s = (times[0][0], times[-1][1])
    options = candidates(lexicon.counts.search(phones, names), text, spoken_s, asked=False)
    if not options:
        return None
    written = read_headcount(reading, lexicon, asked=False, reports_incident=False)[0].present
    busy = bool(reading.acts() & BUSY)
    return Row(
        call.template,
        snr_db,
        tuple(one.heard.number for one in options),
        np.array([number_features(one, written) for one in options]),
        tuple(count_features(one, busy=busy) for one in options),
        written,
        int(call.headcount) if call.headcount else None,
    )


def _descend(gradient: Callable[[Values], Values], weights: int) -> Values:
    """Adam from zero; the same rows give the same weights."""
    at, mean, square = np.zeros(weights), np.zeros(weights), np.zeros(weights)
    for step in range(1, STEPS + 1):
        slope = gradient(at)
        mean, square = 0.9 * mean + 0.1 * slope, 0.99 * square + 0.01 * slope**2
        rate = 0.05 if step < 0.7 * STEPS else 0.015
        at = at - rate * (mean / (1 - 0.9**step)) / (np.sqrt(square / (1 - 0.99**step)) + 1e-9)
    return at


def _shares(row: Row, weights: Values) -> Values:
    worth = np.exp(row.each @ weights - (row.each @ weights).max())
    shares: Values = (1 - countsaid.FOOLED) * worth / worth.sum() + countsaid.FOOLED / countsaid.NUMBERS
    return shares


def fit_numbers(rows: list[Row], strength: float = 0.05) -> Values:
    """What tells one number from another, by maximum likelihood."""
    known = [(row, row.right) for row in rows if row.right is not None]

    def gradient(weights: Values) -> Values:
        slope = strength * weights
        for row, right in known:
            plain = (_shares(row, weights) - countsaid.FOOLED / countsaid.NUMBERS) / (1 - countsaid.FOOLED)
            sure = (1 - countsaid.FOOLED) * plain[right] / _shares(row, weights)[right]
            slope = slope - sure * (row.each[right] - plain @ row.each)
        return slope

    return _descend(gradient, known[0][0].each.shape[1])


def fit_there(rows: list[Row], strength: float = 0.1) -> Values:
    """What tells a call with a count from one without, by logistic regression."""
    features = np.array([row.counted[0] for row in rows]) * SPREAD
    counted = np.array([row.truth is not None for row in rows], float)

    def gradient(weights: Values) -> Values:
        slope: Values = features.T @ (1 / (1 + np.exp(-features @ weights)) - counted) + strength * weights
        return slope

    found: Values = _descend(gradient, features.shape[1]) * SPREAD
    return found


def outcome(row: Row, numbers: Values, there: Values) -> str:
    """right, wrong, absent or false (told where none was said), and none where neither was."""
    shares = _shares(row, numbers)
    best = int(shares.argmax())
    likely = 1 / (1 + np.exp(-float(np.dot(row.counted[best], there))))
    sure = shares[best] >= countsaid.LEAST_SAID and likely >= countsaid.LEAST_THERE
    told = row.numbers[best] if sure else row.written
    if row.truth is None:
        return "none" if told is None else "false"
    return "absent" if told is None else "right" if told == row.truth else "wrong"


def _fold(row: Row) -> int:
    return zlib.crc32(row.sentence.encode()) % FOLDS


def cross_validate(rows: list[Row]) -> None:
    """Print how counts are told by weights that were fitted on other sentences."""
    counts: dict[float, Counter[str]] = {}
    for fold in range(FOLDS):
        own, others = ([row for row in rows if (_fold(row) == fold) is its] for its in (True, False))
        numbers, there = fit_numbers(others), fit_there(others)
        for row in own:
            counts.setdefault(row.snr_db, Counter())[outcome(row, numbers, there)] += 1
    for snr_db, count in sorted(counts.items(), reverse=True):
        print(f"{snr_db:g} dB: " + ", ".join(f"{n} {what}" for what, n in count.most_common()))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("head", type=Path)
    parser.add_argument("--cache", type=Path, default=Path(".cache/phonehead"))
    parser.add_argument("--write", action="store_true", help="put the weights into countsaid.py")
    arguments = parser.parse_args()
    head, lexicon = PhoneHead(arguments.head), read_lexicon()
    rows = [row for split in FITTED_ON for row in rows_of(head, split, arguments.cache, lexicon)]
    cross_validate(rows)
    found = {"SAID_WEIGHTS": fit_numbers(rows), "THERE_WEIGHTS": fit_there(rows)}
    source = WRITTEN.read_text(encoding="utf-8")
    for name, weights in found.items():
        line = f"{name}: Final = ({', '.join(f'{w:.2f}' for w in weights)})"
        print(line)
        source = re.sub(rf"{name}: Final = \(.*\)", line, source)
    if arguments.write:
        WRITTEN.write_text(source, encoding="utf-8")


if __name__ == "__main__":
    main()
