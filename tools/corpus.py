"""Make the project's corpus of radio calls: sentences × units × voices × speeds, clean, with a manifest.

    python -m tools.corpus plan                      # how many calls, how long about
    python -m tools.corpus make [--start 0 --step 2] # speak them into .cache/corpus (resumable, one thread)
    python -m tools.corpus index                     # write .cache/corpus/manifest.csv
    python -m tools.corpus commit                    # copy the small set to tests/data/calls

`--city`, `--dev2` and `--judge NAME` name the other sets. Dev and test share no sentence, unit or voice.
`--dev2` is for working on what happened: many ways of saying it, in two halves, of which only the figures of
`dev2b` are looked at. The city set's `blind` split and those of `tools.judgesplits` have sentences and a
registry of their own as well, and voices whose sound no training heard: each is read once, when all is
decided. All of them have been: draw the next before anything is to be judged.
Noise is added when a call is used (`tools.channel`).
Every call is a pure function of its number, so the set is the same wherever it is made.
"""

import argparse
import csv
import random
import shutil
from dataclasses import replace
from pathlib import Path

from gateway.model import Unit
from gateway.understand.names import bare_name
from tools.calls import Call, read_manifest, write_manifest
from tools.cellarsentences import CELLAR
from tools.cityregistry import city_units
from tools.citysentences import PLACES, POSTS, city_templates
from tools.judgesplits import JudgeSplit, rounds
from tools.loftsentences import LOFT
from tools.reportsentences import PLACES as DEV2_PLACES
from tools.reportsentences import Reported, reported
from tools.scripted import scripted_calls
from tools.sealedsentences import SEALED
from tools.sentences import LOCATIONS, Template, templates
from tools.vaultsentences import VAULT

ROOT = Path(__file__).resolve().parent.parent
UNITS = ROOT / "tests" / "data" / "units.csv"
COMMITTED = ROOT / "tests" / "data"
CACHE = ROOT / ".cache" / "corpus"
CITY = CACHE / "city"
DEV2 = CACHE / "dev2"
JUDGES = {split.name: split for split in (SEALED, VAULT, CELLAR, LOFT)}
VOICES = {
    "dev": ("zf_xiaobei", "zm_yunjian"),
    "test": ("zf_xiaoxiao", "zm_yunxi"),
    "blind": ("af_kore/zf_xiaoxiao", "am_onyx/zm_yunxi", "bm_fable/zm_yunxi", "jf_tebukuro/zf_xiaoxiao"),
}
VOICES |= {name: split.voices for name, split in JUDGES.items()}
SPEEDS = (0.9, 1.0, 1.1, 1.2)
ROUNDS = {"dev": 3, "test": 4}
"""How often each sentence is used, each time with another unit, voice and speed."""
CITY_ROUNDS = {"dev": 3, "test": 3, "blind": 2}
CITY_SEED = {"dev": 11, "dev2a": 11, "dev2b": 11, "test": 11, "blind": 29}
CITY_SEED |= {name: split.seed for name, split in JUDGES.items()}
"""Which registry of `tools.cityregistry` a split's units come from; blind and the judges have their own."""
CITY_PLACES = PLACES | {name: split.places for name, split in JUDGES.items()}
CITY_POSTS = POSTS | {name: split.posts for name, split in JUDGES.items()}
MUSTER = (3, 12)
"""The least and the most people a unit of the city set may expect."""
FITTED_ON = ("dev", "test", "blind", "sealed")
"""What evidence is fitted on. All but dev were judges before they were used up."""
COMMAND_POST = "指挥中心"


def units(split: str) -> list[tuple[str, str]]:
    """Id and name of the split's own units: odd ids are dev, even ids test."""
    with UNITS.open(encoding="utf-8", newline="") as rows:
        listed = [(row["unit_id"], row["name"]) for row in csv.DictReader(rows) if row["state"] == "active"]
    return [(i, name) for i, name in listed if (int(i[1:]) % 2 == 1) == (split == "dev")]


def plan() -> list[Call]:
    """Every call of the corpus in a fixed order: the first rounds first, so that a part of it is balanced."""
    turns = range(max(ROUNDS.values()))
    return [_call(t, turn) for turn in turns for t in templates() if turn < ROUNDS[t.split]]


def city_plan() -> list[Call]:
    """The second set, of the city's registry, in a fixed order, first rounds first."""
    own: dict[str, list[Unit]] = {"dev": [], "test": []}
    for unit in city_units(CITY_SEED["dev"]):
        if unit.state == "active":
            own["dev" if int(unit.unit_id[1:]) % 2 else "test"].append(unit)
    own["blind"] = [unit for unit in city_units(CITY_SEED["blind"]) if unit.state == "active"]
    turns = range(max(CITY_ROUNDS.values()))
    return [
        _city_call(t, turn, own[t.split])
        for turn in turns
        for t in city_templates()
        if turn < CITY_ROUNDS[t.split]
    ]


def judge_plan(split: JudgeSplit) -> list[Call]:
    """The calls of a split that judges, in a fixed order, first rounds first."""
    own = [unit for unit in city_units(split.seed) if unit.state == "active"]
    listed = list(enumerate(split.templates()))
    return [_city_call(t, turn, own) for turn in range(2) for n, t in listed if turn < rounds(n, t)]


def dev2_plan() -> list[Call]:
    """One call of each sentence of `tools.reportsentences`, by dev units and dev voices."""
    own = [u for u in city_units(CITY_SEED["dev"]) if u.state == "active" and int(u.unit_id[1:]) % 2]
    return [_reported_call(number, sentence, own) for number, sentence in enumerate(reported())]


def city_folder(split: str) -> Path:
    """Where the audio and the manifest of a split of the city's registry lie."""
    return CACHE / split if split in JUDGES else DEV2 if split in {"dev2a", "dev2b"} else CITY


def _reported_call(number: int, told: Reported, listed: list[Unit]) -> Call:
    rng = random.Random(told.id)
    caller = rng.choice(listed)
    said = caller.aliases[0] if caller.aliases and rng.random() < 0.6 else bare_name(caller.name)
    location = DEV2_PLACES[told.half][number % len(DEV2_PLACES[told.half])] if "{l}" in told.text else ""
    speaks = "{u}" in told.text
    return Call(
        text=told.text.format(u=said, c=rng.choice(CITY_POSTS["dev"]), l=location) + "。",
        kind=told.kind,
        template=told.id,
        caller_id=caller.unit_id if speaks else "",
        caller=bare_name(caller.name) if speaks else "",
        callee="command" if "{c}" in told.text else "",
        code=told.code,
        location=location,
        headcount=told.headcount,
        expected=told.expected,
        polarity="report" if told.code else told.kind if told.kind in {"cancel", "resolve"} else "none",
        voice=VOICES["dev"][rng.randrange(2)],
        speed=rng.choice(SPEEDS),
        split=f"dev2{told.half}",
        file=f"{told.id}.flac",
    )


def _city_call(template: Template, turn: int, listed: list[Unit]) -> Call:
    rng = random.Random(f"{template.id}/{turn}")
    has = {slot: "{" + slot + "}" in template.text for slot in "ukvmclnexh"}
    caller = rng.choice([u for u in listed if u.callsign] if has["k"] else listed)
    called, other = (rng.choice(listed) for _ in range(2))
    said = caller.aliases[0] if caller.aliases and rng.random() < 0.6 else bare_name(caller.name)
    if rng.random() < 0.25 and "最小应急单元" not in template.text:
        said += "最小应急单元"
    judge = JUDGES.get(template.split)
    expected = rng.randint(*(judge.muster if judge else MUSTER))
    present = rng.randint(max(1, expected - 3), expected)
    location = rng.choice(judge.heights if judge and has["h"] else CITY_PLACES[template.split])
    text = template.text.format(
        u=said, k=caller.callsign, v=bare_name(called.name), m=bare_name(other.name),
        c=rng.choice(CITY_POSTS[template.split]), l=location, n=present, e=expected,
        h=location, x=rng.choice(judge.strangers) if judge and has["x"] else "",
    )  # fmt: skip
    text = judge.as_said(text) if judge else text
    speaks = has["u"] or has["k"]
    voices = VOICES[template.split]
    return Call(
        text=text + "。",
        kind=template.kind,
        template=template.id,
        caller_id=caller.unit_id if speaks else "",
        caller=bare_name(caller.name) if speaks else "",
        callee=bare_name(called.name) if has["v"] else "command" if has["c"] else "",
        code=template.code,
        agencies=template.agencies,
        location=location if has["l"] or has["h"] else "",
        headcount=str(present) if has["n"] else template.present,
        expected=str(expected) if has["e"] else template.expected,
        acts=template.acts,
        polarity=template.polarity,
        exercise=template.exercise,
        voice=voices[(turn + len(template.text)) % len(voices)],
        speed=rng.choice(SPEEDS),
        split=template.split,
        file=f"{template.id}-{turn}.flac",
    )


def _call(template: Template, turn: int) -> Call:
    rng = random.Random(f"{template.id}/{turn}")
    names = units(template.split)
    (unit_id, unit), (_, other) = rng.sample(names, 2)
    said = unit + ("最小应急单元" if rng.random() < 0.3 and "最小应急单元" not in template.text else "")
    expected = rng.randint(2, 8)
    present = rng.randint(max(1, expected - 2), expected)
    location = rng.choice(LOCATIONS[template.split])
    text = template.text.format(u=said, v=other, c=COMMAND_POST, l=location, n=present, e=expected)
    has = {slot: "{" + slot + "}" in template.text for slot in "uvclne"}
    calls_unit = template.kind == "rollcall_call"
    voices = VOICES[template.split]
    return Call(
        text=text + "。",
        kind=template.kind,
        template=template.id,
        caller_id=unit_id if has["u"] else "",
        caller=unit if has["u"] else "",
        callee=other if calls_unit else "command" if has["c"] else "",
        code=template.code,
        agencies=template.agencies,
        location=location if has["l"] else "",
        headcount=str(present) if has["n"] else "",
        expected=str(expected) if has["e"] else "",
        acts=template.acts,
        polarity=template.polarity,
        exercise=template.exercise,
        voice=voices[(turn + len(template.text)) % len(voices)],
        speed=rng.choice(SPEEDS),
        split=template.split,
        file=f"{template.id}-{turn}.flac",
    )


def make(out: Path, start: int, step: int, calls: list[Call] | None = None) -> None:
    import soundfile as sf  # noqa: PLC0415 - reading the plan needs neither

    from tools.voice import RATE_HZ, Speaker  # noqa: PLC0415

    speaker = Speaker(threads=1)
    out.mkdir(parents=True, exist_ok=True)
    for call in (plan() if calls is None else calls)[start::step]:
        if (out / call.file).exists():
            continue
        partial = out / f"{call.file}.part"
        sf.write(partial, speaker.say(call.text, call.voice, call.speed), RATE_HZ, "PCM_16", format="FLAC")
        partial.rename(out / call.file)


def index(out: Path, calls: list[Call] | None = None) -> list[Call]:
    """The manifest of what has been spoken so far."""
    import soundfile as sf  # noqa: PLC0415

    made = [c for c in (plan() if calls is None else calls) if (out / c.file).exists()]
    made = [replace(c, seconds=round(sf.info(out / c.file).duration, 2)) for c in made]
    write_manifest(out / "manifest.csv", made)
    return made


def commit(out: Path) -> None:
    """Put one call of each sentence, of alternating turns, beside the scripted ones in tests/data."""
    keep = {c.file: c for c in read_manifest(COMMITTED / "manifest.csv") if c.template.startswith("scripted")}
    keep = {c.file: replace(c, seconds=keep[c.file].seconds) for c in scripted_calls()}
    chosen: dict[str, Call] = {}
    for call in index(out):
        turn = int(call.file[-6])
        if call.template not in chosen or turn == sum(map(ord, call.template)) % 2:
            chosen.setdefault(call.template, call)
    for number, call in enumerate(chosen.values()):
        if call.kind == "report" and number % 2:
            continue
        shutil.copy(out / call.file, COMMITTED / "calls" / call.file)
        keep[call.file] = call
    write_manifest(COMMITTED / "manifest.csv", list(keep.values()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("plan", "make", "index", "commit"))
    parser.add_argument("--city", action="store_true", help="the second set, into .cache/corpus/city")
    parser.add_argument(
        "--dev2", action="store_true", help="reports in many wordings, into .cache/corpus/dev2"
    )
    parser.add_argument("--judge", choices=JUDGES, help="a split that judges, into .cache/corpus/NAME")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--start", type=int, default=0)
    parser.add_argument("--step", type=int, default=1)
    arguments = parser.parse_args()
    calls, folder = (
        (judge_plan(JUDGES[arguments.judge]), CACHE / arguments.judge) if arguments.judge
        else (city_plan(), CITY) if arguments.city
        else (dev2_plan(), DEV2) if arguments.dev2
        else (plan(), CACHE)
    )  # fmt: skip
    arguments.out = arguments.out or folder
    if arguments.what == "plan":
        for split in dict.fromkeys(call.split for call in calls):
            own = [c for c in calls if c.split == split]
            print(f"{split}: {len(own)} calls, {sum(len(c.text) for c in own) * 0.22 / 60:.0f} minutes about")
    elif arguments.what == "make":
        make(arguments.out, arguments.start, arguments.step, calls)
    elif arguments.what == "index":
        made = index(arguments.out, calls)
        print(f"{len(made)} calls, {sum(c.seconds for c in made) / 60:.1f} minutes")
    else:
        commit(arguments.out)


if __name__ == "__main__":
    main()
