"""Fit what evidence is worth (gateway/understand/fitted.py), likeliest on calls with a known caller.

    python -m tools.phonehead.decision HEAD.onnx... [--splits dev test] [--write] [--bank 0.1] [--least 0.6]

Reads the frames and words of the second corpus' calls, which `tools.phonehead.evaluate encode` wrote into
`eval-city-dev`, `-test` and so on under `--cache`, and reads them with each head as the resolver does: some
minutes a head. Prints, by four-fold cross-validation over sentences, how many callers are told, then fits on
all of it; `--write` puts the weights where the product reads them, but for those of the text without phones
(run ruff format after it). Each call counts a second time, by `--unregistered`, with its caller struck from
the registry: then nobody must be told. The sentences of `tools/whospeaks/bank` count by `--bank`, as if heard
well: recordings hold few calls that name a unit which does not speak. Give a weaker head beside the shipped
one: on the dev voices, which every head has heard, the shipped one alone teaches that the text is worth
nothing.
"""

import argparse
import json
import math
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gateway.model import PhoneEvidence
from gateway.recognise.phonehead import PhoneHead
from gateway.understand.fitted import FITTED
from gateway.understand.fusion import Hearing, capped_words
from gateway.understand.mentions import rivals
from gateway.understand.names import Form, unit_forms
from gateway.understand.phonereading import read_phones
from gateway.understand.pinyin import syllables
from gateway.understand.registry import Registry
from gateway.understand.resolve import Resolver, ResolverSettings
from gateway.understand.weights import ReaderWeights
from gateway.understand.whospeaks import WhoSpeaks
from tools.calls import Call, read_manifest
from tools.cityregistry import city_units
from tools.corpus import CITY_SEED, COMMAND_POST, FITTED_ON, city_folder
from tools.whospeaks.aloud import FOLDS, fold_of, said_aloud
from tools.whospeaks.taught import sentences
from tools.whospeaks.train import Plan, train

STANCES = (
    "self", "calls", "answers", "plain", "opening", "early", "loose", "twice", "aside", "either", "called",
    "callee", "command",
)  # fmt: skip
SHORT_NUMBER = 2
SPREAD = {
    "gain": 1.0, "absent": 0.5, "floor": 1.0, "stance": 1.0, "short": 1.5, "number": 1.5, "most": 0.3,
    "role": 1.0, "cap": 3.0, "name": 1.0, "words": 0.3,
}  # fmt: skip
"""How far a weight may stray from its first value at one nat of a priori cost."""
Weights = dict[str, Tensor]
LEAST = 1 - 1 / ResolverSettings().wrong_unit_cost
"""From which score on a caller is told, as long as a station sets no other cost."""

NOBODY = Call("", "chatter", "strangers")
STRANGERS = "eval-strangers"
"""People reading sentences of no call, encoded as the calls are."""
ROOT = Path(__file__).resolve().parents[2]
WRITTEN = ROOT / "gateway" / "understand" / "fitted.py"
PER_LOG_FORM = 0.15
MOST_NATS = {"early": -2.2}
"""However well it fits: people who chat name places early too, and the dev splits hold little chatter."""


def first_guess() -> Weights:
    """Where the fit begins, and what it is drawn to where calls say little."""
    table = {
        "gain": [1.4, 3.5], "absent": [1.9, 1.6], "most": [0.0, 0.0], "floor": [-1.0, -2.5],
        "short": [-1.0, -1.0], "number": [0.0, 0.0],
        "stance": [[2.0, 2, 2, 1, 0.5, 0, -1, -1, -2, -0.5, -2, -8, -8],
                   [2.5, 2.5, 2.5, 1.5, 1, 0, -1.5, -1.5, -3, -0.5, -3.5, -8, -8]],
        "role": [1.0], "name": [0.0], "cap": [6.0], "words": [0.3, 0.3],
    }  # fmt: skip
    return {name: torch.tensor(values, dtype=torch.double) for name, values in table.items()}


def mentions(hearing: Hearing) -> list[dict[str, Any]]:
    """Each mention's stance and words, and gain, most and shortness of every owner."""
    found = []
    for i, mention in enumerate(hearing.mentions):
        rows = [
            (owner, gain, one.most, digits(one.form))
            for owner, gain in rivals(hearing.mentions, i).items()
            if (one := mention.found.get(owner)) is not None
        ]
        words = capped_words(hearing.words[i])
        found.append({"stance": hearing.stances[i], "words": words, "rows": rows})
    return found


def digits(form: Form) -> int:
    """How many digits a callsign has, 0 for a name."""
    return len(form.text) if form.kind == "callsign" else 0


def claims(head: PhoneHead, folder: Path, calls: dict[str, Call], resolver: Resolver) -> list[dict[str, Any]]:
    """One row per recording: who called, and both readers' mentions."""
    rows = []
    for path in sorted(folder.glob("*@*.npy")):
        stem, _, snr = path.stem.partition("@")
        call = calls.get(stem)
        if call is None:
            continue
        text = json.loads(path.with_suffix(".json").read_text())["text"]
        phones: PhoneEvidence = head(np.load(path).astype(np.float32))
        readers = both_readers(resolver, text, phones)
        rows.append({"stem": stem, "snr": float(snr), "truth": call.caller_id, "readers": readers})
    return rows


def both_readers(resolver: Resolver, text: str, phones: PhoneEvidence) -> list[list[dict[str, Any]]]:
    """The text's mentions and, where there are any, the phones'."""
    said = syllables(text)
    occurrences = resolver._index.search(text, said, 0.8)  # noqa: SLF001 - the readers as the resolver has them
    read, _ = resolver._hear("text", text, said, resolver._marks.find(text, said), occurrences)  # noqa: SLF001
    readers = [mentions(read)]
    if len(phones.log_probs):
        heard, _ = resolver._listen(phones, read_phones(phones))  # noqa: SLF001
        readers.append(mentions(heard))
    return readers


def struck(row: dict[str, Any]) -> dict[str, Any]:
    """The same call if its caller were not registered."""
    readers = [
        [{**m, "rows": [r for r in m["rows"] if r[0] != row["truth"]]} for m in reader]
        for reader in row["readers"]
    ]
    return {**row, "truth": "", "readers": readers, "struck": True}


class Table:
    """All claims of many calls as tensors; one entry per call and owner."""

    def __init__(self, rows: list[dict[str, Any]], unregistered: float) -> None:
        """Lay `rows` out."""
        index: dict[tuple[int, str], int] = {}
        lines = []
        place = 0
        for number, row in enumerate(rows):
            for reader, found in enumerate(row["readers"]):
                for mention in found:
                    place += 1
                    stance = STANCES.index(mention["stance"])
                    for owner, gain, most, figures in (
                        mention["rows"] if mention["stance"] != "command" else ()
                    ):
                        if owner:
                            entry = index.setdefault((number, owner), len(index))
                            words = mention["words"]
                            lines.append((entry, reader, stance, place, gain, most, figures, words))
        flat = np.array(lines, float)
        self.entry, self.reader, self.stance, self.place = (
            torch.tensor(flat[:, k].astype(int)) for k in range(4)
        )
        self.gain, self.most, figures, self.words = (torch.tensor(flat[:, k]) for k in range(4, 8))
        self.number = (figures > 0).double()
        self.short = ((figures > 0) & (figures <= SHORT_NUMBER)).double()
        self.owners = [owner for _, owner in index]
        self.call = torch.tensor([number for number, _ in index])
        self.truth = torch.tensor([index.get((n, row["truth"]), -1) for n, row in enumerate(rows)])
        weights = [unregistered if row.get("struck") else row.get("weight", 1.0) for row in rows]
        self.weight = torch.tensor(weights).double()
        self.calls = len(rows)


def log_shares(weights: Weights, table: Table) -> Tensor:
    """Log probability of being the caller, per entry, as `fuse_claims` reckons it."""
    reader, count = table.reader, len(table.owners)
    name = weights["gain"][reader] * (table.gain - weights["absent"][reader])
    name = name + weights["number"][reader] * table.number
    name = name + weights["short"][reader] * table.short + weights["most"][reader] * (table.most - 4)
    role = weights["stance"][reader, table.stance] + weights["words"][reader] * table.words
    names, roles = (torch.zeros(count, dtype=torch.double) for _ in range(2))
    place = torch.zeros(count, dtype=torch.long)
    for which in (0, 1):
        own = torch.nonzero(reader == which).squeeze(1)
        total = (name + role)[own].detach()
        best = _most(total, table.entry[own], count)
        chosen = own[total >= best[table.entry[own]] - 1e-12]
        at = torch.full((count,), -1)
        at[table.entry[chosen]] = chosen
        here, line = at >= 0, at.clamp(min=0)
        heard = torch.where(here, name[line], torch.tensor(-50.0, dtype=torch.double))
        names = names + torch.logaddexp(heard, weights["floor"][which].expand(count))
        roles = roles + torch.where(here, role[line], torch.zeros(count, dtype=torch.double))
        place = torch.where(here, table.place[line], place)
    stretch = _most(names, place, int(place.max()) + 1)[place]
    capped = -torch.logaddexp(-stretch, -weights["cap"].expand(count))
    nats = capped + names - stretch + roles
    top = _most(nats, table.call, table.calls)[table.call]
    total = torch.zeros(table.calls, dtype=torch.double).index_add(0, table.call, torch.exp(nats - top))
    told = torch.nn.functional.logsigmoid(
        -torch.logaddexp(-names - weights["name"], -roles - weights["role"])
    )  # fmt: skip
    best_told = torch.zeros(table.calls, dtype=torch.double)
    leads = nats >= top - 1e-12
    best_told = best_told.scatter_reduce(0, table.call[leads], told[leads], "amin", include_self=False)
    return nats - top - torch.log(total)[table.call] + best_told[table.call]


def _most(values: Tensor, groups: Tensor, count: int) -> Tensor:
    return torch.full((count,), -1e9, dtype=torch.double).scatter_reduce(0, groups, values, "amax")


def loss(weights: Weights, table: Table) -> Tensor:
    """Mean negative log-likelihood of the truth: the caller, or nobody where none is registered or heard."""
    shares = log_shares(weights, table)
    anybody = torch.zeros(table.calls, dtype=torch.double).index_add(0, table.call, torch.exp(shares))
    right = shares[table.truth.clamp(min=0)]
    each = torch.where(table.truth >= 0, -right, -torch.log1p(-anybody.clamp(max=1 - 1e-9)))
    return (each * table.weight).mean()


def fit(table: Table, steps: int = 400, strength: float = 0.5) -> Weights:
    """The likeliest weights near the first guess; the same table gives the same weights."""
    first = first_guess()
    weights = {name: value.clone().requires_grad_() for name, value in first.items()}
    optimiser = torch.optim.Adam(weights.values(), 0.05)
    for _ in range(steps):
        optimiser.zero_grad()
        strays = sum((((weights[n] - first[n]) / SPREAD[n]) ** 2).sum() for n in weights)
        (loss(weights, table) + strength * strays / table.calls).backward()
        optimiser.step()
    return held_down({name: value.detach() for name, value in weights.items()})


def held_down(weights: Weights) -> Weights:
    """`weights` with no stance worth more than `MOST_NATS` allows."""
    stances = weights["stance"].clone()
    for name, most in MOST_NATS.items():
        stances[:, STANCES.index(name)].clamp_(max=most)
    return {**weights, "stance": stances}


def best_guesses(weights: Weights, table: Table) -> list[tuple[float, str]]:
    """Score and owner of each call's best."""
    best = [(0.0, "")] * table.calls
    for share, call, owner in zip(
        torch.exp(log_shares(weights, table)).tolist(), table.call.tolist(), table.owners, strict=True
    ):
        best[call] = max(best[call], (share, owner))
    return best


def cross_validate(rows: list[dict[str, Any]], unregistered: float, least: float) -> None:
    """Print how many are told when sentences that were not fitted on are judged."""
    fold = [zlib.crc32(row["stem"].rsplit("-", 1)[0].encode()) % 4 for row in rows]
    counts: dict[tuple[str, float], Counter[str]] = {}
    for part in range(4):
        weights = fit(Table([r for r, f in zip(rows, fold, strict=True) if f != part], unregistered), 250)
        own = [r for r, f in zip(rows, fold, strict=True) if f == part]
        for row, (score, owner) in zip(own, best_guesses(weights, Table(own, unregistered)), strict=True):
            told, truth = score >= least, row["truth"]
            outcome = ("right" if owner == truth else "wrong" if truth else "false") if told else "untold"
            counts.setdefault(("unregistered" if row.get("struck") else "calls", row["snr"]), Counter())[
                outcome
            ] += 1
    for (kind, snr), count in sorted(counts.items()):
        print(f"{kind} at {snr:g} dB: " + ", ".join(f"{n} {k}" for k, n in count.most_common()))


def taught_without(splits: Sequence[str], fold: int | None = None) -> ResolverSettings:
    """Settings whose words around a name were not learnt from these splits, nor from a fold of the bank."""
    taught = [s for s in sentences(splits) if s.source != "bank" or fold_of(s) != fold]
    return ResolverSettings(speakers=WhoSpeaks(train(taught, Plan())))


def read_calls(head: Path, cache: Path, splits: Sequence[str]) -> list[dict[str, Any]]:
    """The second corpus' calls as `head` and the text have them."""
    rows: list[dict[str, Any]] = []
    for split in splits:
        folder = cache / f"eval-city-{split}"
        listed = read_manifest(city_folder(split) / "manifest.csv")
        calls = {Path(c.file).stem: c for c in listed if c.split == split}
        if not folder.is_dir():
            raise SystemExit(f"{folder} is missing: tools.phonehead.evaluate encode --split {split} makes it")
        units = Registry(city_units(CITY_SEED[split]))
        rows += claims(PhoneHead(head), folder, calls, Resolver(units, COMMAND_POST, taught_without([split])))
    return rows


def read_bank(weight: float) -> list[dict[str, Any]]:
    """The sentences of `tools/whospeaks/bank` as if heard well, each of them `weight` of a call."""
    units = city_units(CITY_SEED["dev"])
    bank = [sentence for sentence in sentences(()) if sentence.source == "bank"]
    rows = []
    for fold in range(FOLDS):
        resolver = Resolver(Registry(units), COMMAND_POST, taught_without([], fold))
        for said in said_aloud([s for s in bank if fold_of(s) == fold], units):
            readers = both_readers(resolver, said.text, said.phones)
            rows.append(
                {"stem": said.stem, "snr": 0.0, "truth": said.caller_id, "readers": readers, "weight": weight}
            )
    return rows


def read_strangers(head: Path, folder: Path) -> list[dict[str, Any]]:
    """People who call nobody, as `head` and the text have them: none of the units is told there."""
    units = Registry(city_units(CITY_SEED["dev"]))
    paths = folder.glob("*@*.npy")
    nobody = {path.stem.partition("@")[0]: NOBODY for path in paths}
    return claims(PhoneHead(head), folder, nobody, Resolver(units, COMMAND_POST))


def with_struck(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """And each call again as if its caller were not registered; the bank's have no noise to be taken for."""
    return rows + [struck(row) for row in rows if row["truth"] and "weight" not in row]


def module(beside: Weights, forms: int) -> str:
    """The text of gateway/understand/fitted.py; the text without phones keeps its weights."""
    grown = PER_LOG_FORM * math.log(forms + 1)

    def reader(which: int) -> ReaderWeights:
        def one(name: str, less: float = 0.0) -> float:
            return round(float(beside[name][which]) - less, 2)

        def stance(name: str) -> float:
            return round(float(beside["stance"][which, STANCES.index(name)]), 1)

        return ReaderWeights(
            nats_per_gain=one("gain"),
            absent_gain=one("absent", grown),
            absent_gain_per_log_form=PER_LOG_FORM,
            nats_per_syllable=one("most"),
            floor_nats=one("floor"),
            number_nats=one("number"),
            short_number_nats=one("short"),
            stance_nats={name: stance(name) for name in STANCES if name not in {"callee", "command"}},  # type: ignore[misc]
            words_share=one("words"),
        )

    def single(name: str) -> float:
        return round(float(beside[name]), 2)

    fitted = replace(
        FITTED,
        text=reader(0),
        phones=reader(1),
        role_beside=single("role"),
        name_beside=single("name"),
        most_name_nats=single("cap"),
    )
    return (
        '"""What evidence is worth, in nats: written by tools/phonehead/decision.py, not by hand."""\n\n'
        "from typing import Final\n\nfrom gateway.understand.weights import ReaderWeights, Weights\n\n"
        f"FITTED: Final = {fitted}\n"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("heads", type=Path, nargs="+")
    parser.add_argument("--cache", type=Path, default=Path(".cache/phonehead"))
    parser.add_argument("--write", action="store_true", help=f"write {WRITTEN.relative_to(ROOT)}")
    parser.add_argument("--unregistered", type=float, default=0.1)
    parser.add_argument("--splits", nargs="+", default=FITTED_ON)
    parser.add_argument("--bank", type=float, default=0.1, help="what a sentence of the bank counts for")
    parser.add_argument("--least", type=float, default=LEAST, help="told from this score on")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    rows = [row for head in arguments.heads for row in read_calls(head, arguments.cache, arguments.splits)]
    rows += [row for head in arguments.heads for row in read_strangers(head, arguments.cache / STRANGERS)]
    both = with_struck(rows + read_bank(arguments.bank))
    cross_validate(both, arguments.unregistered, arguments.least)
    forms = sum(len(unit_forms(unit)) for unit in city_units())
    found = module(fit(Table(both, arguments.unregistered)), forms)
    if arguments.write:
        WRITTEN.write_text(found, encoding="utf-8")
    else:
        print(found)


if __name__ == "__main__":
    main()
