"""Who spoke, told from the text, from the phones and from both: the product's resolver on the corpus.

    python -m tools.phonehead.parties HEAD.onnx EVAL_DIR [--split test] [--settings JSON] [--show]

Reads what `tools.phonehead.evaluate encode` wrote; the registry is the corpus's own units filled up to 2,702.
"""

import argparse
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np

from gateway.model import PhoneEvidence, Resolution, Unit
from gateway.recognise.phonehead import PhoneHead
from gateway.understand.registry import Registry, parse_units_csv
from gateway.understand.resolve import Resolver, ResolverSettings
from tools.calls import Call, read_manifest
from tools.phonehead.evaluate import REGISTRY_SIZE, UNITS
from tools.registry import synthetic_units

CORPUS = Path(".cache/corpus/manifest.csv")


def registry(size: int = REGISTRY_SIZE) -> Registry:
    own = parse_units_csv(UNITS.read_bytes(), UNITS.name)
    names = {u.name for u in own}
    filled: tuple[Unit, ...] = tuple(
        replace(u, unit_id=f"x{u.unit_id}") for u in synthetic_units() if u.name not in names
    )
    return Registry((*own, *filled)[:size])


def judged(found: Resolution, truth: str) -> str:
    """right, wrong, ambiguous or unknown; nobody and false where nobody of the registry speaks."""
    who = found.unit_id if found.status == "matched" and found.kind == "unit" else None
    if not truth:
        return "false" if who else "nobody"
    if who:
        return "right" if who == truth else "wrong"
    return found.status if found.status != "matched" else "unknown"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("head", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--split", default="test")
    parser.add_argument("--settings", default="{}")
    parser.add_argument("--show", action="store_true", help="print every call that is not right")
    arguments = parser.parse_args()
    head = PhoneHead(arguments.head)
    settings = replace(ResolverSettings(), **json.loads(arguments.settings))
    resolver = Resolver(registry(), "指挥中心", settings)
    calls = {Path(c.file).stem: c for c in read_manifest(CORPUS)}
    nobody = Call(text="", kind="news", template="news")
    counts: dict[tuple[str, str, str], Counter[str]] = {}
    for path in sorted(arguments.folder.glob("*@*.npy")):
        stem, _, snr = path.stem.partition("@")
        call = calls.get(stem, nobody)
        text = json.loads(path.with_suffix(".json").read_text())["text"]
        phones = head(np.load(path).astype(np.float32))
        silent = PhoneEvidence(phones.log_probs[:0], phones.phones)
        callee = "" if call.callee == "command" else call.callee
        for reader, words, sounds in (("text", text, silent), ("phones", "", phones), ("both", text, phones)):
            parties = resolver.resolve(words, sounds)
            got = judged(parties.caller, call.caller_id)
            counts.setdefault((reader, snr, "caller"), Counter())[got] += 1
            if callee:
                right = parties.callee.name == callee and parties.callee.status == "matched"
                counts.setdefault((reader, snr, "callee"), Counter())["right" if right else "not"] += 1
            if arguments.show and reader == "both" and got in {"wrong", "false", "unknown", "ambiguous"}:
                heard = parties.caller
                said = f"{call.text} | {text} | {heard.heard}"
                print(snr, got, said, [(c.name, c.score) for c in heard.candidates[:3]])
    for (reader, snr, party), counter in sorted(counts.items()):
        print(f"{party} {snr:>4} dB {reader:>6}: " + ", ".join(f"{k} {n}" for k, n in counter.most_common()))


if __name__ == "__main__":
    main()
