"""What the product makes of calls whose encoder frames and words are kept: a change is judged in seconds.

    python -m tools.phonehead.meanings EVAL_DIR [--split dev] [--show code,headcount,agencies,place,false]

Reads what `tools.phonehead.evaluate encode` wrote. Who speaks is told once and kept beside it
(`--fresh` tells it again); the rest of the path runs each time, each call as a conversation of its own.
"""

import argparse
import itertools
import json
import pickle
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from bench.accuracy import NO_INCIDENT
from gateway.knowledge import read_lexicon
from gateway.model import PhoneEvidence, Transcript, Understanding
from gateway.recognise.phonehead import PhoneHead
from gateway.understand.conversation import Conversation, IncidentChange, Rules, Utterance
from gateway.understand.incident import IncidentState
from gateway.understand.lexicon import Lexicon
from gateway.understand.location import read_place
from gateway.understand.resolve import Parties, Resolver, ResolverSettings
from gateway.understand.understand import understand
from tools.calls import Call, read_manifest
from tools.phonehead.parties import CORPUS, registry

AT = datetime(2025, 3, 1, 8, tzinfo=UTC)
Kept = dict[str, tuple[Transcript, Parties]]


def kept(folder: Path, stems: set[str] | None, *, fresh: bool) -> Kept:
    """Transcript (with phones) and parties of every call in `folder`, told anew where they are not kept."""
    store = folder / "parties.pickle"
    found: Kept = {} if fresh or not store.exists() else pickle.loads(store.read_bytes())
    missing = [p for p in sorted(folder.glob("*@*.npy")) if p.stem not in found]
    if missing:
        head, resolver = PhoneHead(), Resolver(registry(), "指挥中心", ResolverSettings())
        for path in missing:
            heard = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
            phones = head(np.load(path).astype(np.float32))
            text = heard["text"]
            transcript = Transcript(
                text, text, "whisper", "base", 0.0, heard["confidence"],
                doubts=tuple(heard["doubts"]), phones=phones,
            )  # fmt: skip
            found[path.stem] = (transcript, resolver.resolve(text, phones))
        store.write_bytes(pickle.dumps(found))
    return {stem: one for stem, one in found.items() if stems is None or stem.split("@")[0] in stems}


def heard(
    transcript: Transcript, parties: Parties, lexicon: Lexicon
) -> tuple[Understanding, list[IncidentState]]:
    """One call alone: what it means and the incidents it left."""
    ids = itertools.count(1)
    rules = Rules(lexicon=lexicon, new_id=lambda: f"incident-{next(ids)}")
    conversation = Conversation(radio_id="ch1")
    meaning = understand(transcript, parties, conversation.context(AT, rules), lexicon)
    utterance = Utterance("tx", AT, 4.0, meaning, transcript.text, transcript.raw, transcript.confidence)
    changes = conversation.hear(utterance, rules).changes
    states = {c.incident.incident_id: c.incident for c in changes if isinstance(c, IncidentChange)}
    return meaning, list(states.values())


def judge(
    call: Call, meaning: Understanding, incidents: list[IncidentState], lexicon: Lexicon
) -> dict[str, Any]:
    """Outcomes by subject: a word, or a Counter where several things are told."""
    told: dict[str, Any] = {}
    codes = {i.code for i in incidents}
    if call.code and not call.exercise:
        told["code"] = (
            "none" if not codes
            else "right" if codes == {call.code}
            else "UNKNOWN" if codes == {"UNKNOWN"}
            else "wrong"
        )  # fmt: skip
        asked = set(call.agencies.split("|")) - {""}
        needs = {n.agency for i in incidents for n in i.needs}
        told["agencies"] = Counter(
            right=len(asked & needs), none=len(asked - needs), extra=len(needs - asked)
        )
        place = read_place(call.location, lexicon.places) if call.location else None
        expected = dict(place.parts) if place else {}
        found = {k: v for i in incidents for k, v in i.location.parts.items()}
        told["place"] = Counter(extra=len(found.keys() - expected.keys()))
        for name, value in expected.items():
            told["place"]["none" if name not in found else "right" if found[name] == value else "wrong"] += 1
    if call.headcount:
        said = meaning.headcount.present
        told["headcount"] = "none" if said is None else "right" if said == int(call.headcount) else "wrong"
    elif meaning.headcount.present is not None:
        told["false count"] = "extra"
    if call.kind in NO_INCIDENT:
        told["false"] = "wrong" if any(i.status == "Actual" for i in incidents) else "quiet"
    if call.polarity in {"cancel", "resolve"}:
        told["ends"] = (
            "right" if meaning.incident.polarity == call.polarity else f"{meaning.incident.polarity}"
        )
    if call.exercise:
        told["exercise"] = (
            "wrong"
            if any(i.status == "Actual" for i in incidents)
            else "right"
            if meaning.exercise
            else "none"
        )
    return told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--split", default="dev")
    parser.add_argument("--show", default="")
    parser.add_argument("--snr", default="20,12,8")
    parser.add_argument("--only", default="")
    parser.add_argument("--calls", type=Path, default=CORPUS, help="the manifest of what was said")
    parser.add_argument("--fresh", action="store_true")
    arguments = parser.parse_args()
    lexicon = read_lexicon()
    calls = {Path(c.file).stem: c for c in read_manifest(arguments.calls) if c.split == arguments.split}
    nobody = Call(text="", kind="chatter", template="news")
    stems = None if arguments.split == "news" else set(calls)
    counts: dict[str, dict[str, Counter[str]]] = {}
    shown = set(arguments.show.split(","))
    spent_s = []
    for stem, (transcript, parties) in kept(arguments.folder, stems, fresh=arguments.fresh).items():
        name, _, snr = stem.partition("@")
        if snr not in arguments.snr.split(",") or arguments.only not in stem:
            continue
        call = calls.get(name, nobody)
        began = time.process_time()
        meaning, incidents = heard(transcript, parties, lexicon)
        spent_s.append(time.process_time() - began)
        told = judge(call, meaning, incidents, lexicon)
        for subject, outcome in told.items():
            counter = counts.setdefault(subject, {}).setdefault(snr, Counter())
            counter.update(outcome if isinstance(outcome, Counter) else [outcome])
            good = (
                +outcome == Counter(right=outcome["right"])
                if isinstance(outcome, Counter)
                else outcome in {"right", "quiet"}
            )
            if subject in shown and not good:
                show(stem, subject, outcome, call, transcript, meaning, incidents, lexicon)
    for subject, by_snr in counts.items():
        for snr in sorted(by_snr, key=float, reverse=True):
            counter = by_snr[snr]
            of = counter.total() - (counter["extra"] if subject != "false count" else 0)
            print(
                f"{subject:>12} {snr:>4} dB of {of:>3}: "
                + ", ".join(f"{k} {n}" for k, n in counter.most_common() if n)
            )
    median, p95 = 1000 * np.median(spent_s), 1000 * np.quantile(spent_s, 0.95)
    print(f"understanding: median {median:.1f} ms, p95 {p95:.1f} ms")


def show(stem: str, subject: str, outcome: object, call: Call, transcript: Transcript,
         meaning: Understanding, incidents: list[IncidentState], lexicon: Lexicon) -> None:  # fmt: skip
    phones = transcript.phones or PhoneEvidence(np.zeros((0, 0), np.float32), ())
    spoken = lexicon.spoken.hear(phones)
    print(f"{stem} {subject}: {dict(outcome) if isinstance(outcome, Counter) else outcome}")
    print("    said ", call.text, call.code, call.agencies, call.location, call.headcount)
    print("    text ", transcript.text, transcript.confidence)
    print(
        "    phone",
        spoken.text,
        {k: round(v, 2) for k, v in spoken.clear.items()},
        spoken.doubts,
        spoken.counts,
    )
    where = [(i.code, i.location.parts, [n.agency for n in i.needs]) for i in incidents]
    print(
        "    got  ",
        where,
        meaning.incident.polarity,
        meaning.headcount.present,
        meaning.acts,
        meaning.review_reasons,
    )


if __name__ == "__main__":
    main()
