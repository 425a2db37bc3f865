"""How well calls are understood: the corpus at several SNRs, a conversation, sounds without words."""

import json
import shutil
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.table import Table

from bench import recordings as sound
from bench import score
from bench.figure import WORK, Figure, Options, Report
from bench.listening import Heard, listen, resolve_times
from bench.strangers import strange_sounds, strange_voices
from tools.calls import Call

DETAILS = WORK / "accuracy.jsonl"
"""What was heard of every call and how it was judged, for whoever wants to know why."""
NO_INCIDENT = frozenset({"chatter", "hail", "ack", "arrived", "checkin", "rollcall_call", "rollcall_answer",
                         "say_again", "test", "command", "cancel", "resolve"})  # fmt: skip
HUMAN_SNR_DB = 20


def accuracy(options: Options) -> Report:
    """The corpus, each call as a conversation of its own, against 2,822 units."""
    units = sound.write_registry(WORK / "units.csv")
    calls = sound.own_calls(options.splits)[:: options.every]
    figures: list[Figure] = []
    tables: list[Table] = []
    shutil.rmtree(WORK / "calls", ignore_errors=True)
    recorded: dict[str, tuple[int, Call]] = {}
    for snr_db in options.snrs_db:
        made = sound.record_calls(calls, snr_db, WORK / "calls" / str(snr_db))
        for stem, call in made.items():
            path = WORK / "calls" / str(snr_db) / f"{stem}.wav"
            path.rename(path.with_name(f"{stem}@{snr_db}.wav"))
            recorded[f"{stem}@{snr_db}"] = (snr_db, call)
    with resolve_times() as times:
        heard = listen(sorted((WORK / "calls").rglob("*.wav")), units)
    _write_details(recorded, heard)
    for split in options.splits:
        by_snr = {
            snr_db: [
                (c, heard[stem]) for stem, (at, c) in recorded.items() if at == snr_db and c.split == split
            ]
            for snr_db in options.snrs_db
        }
        more, table = split_figures(split, by_snr)
        figures += more
        tables.append(table)
    figures += [_resolve_figure(times.cpu_ms, times.with_phones), *_decode_figures(heard, recorded)]
    return Report(tuple(figures), tuple(tables))


def conversation(options: Options) -> Report:
    """The threat to jump in four transmissions has to come out as one incident with all its parts."""
    units = sound.write_registry(WORK / "units.csv")
    calls = {call.template: call for call in sound.own_calls()}
    recorded: list[Path] = []
    for snr_db in options.snrs_db:
        for ending in ("", "b"):
            turns = [calls[f"scripted-jump-{turn}{ending}"] for turn in range(1, 5)]
            aired = [sound.on_air(sound.clean(call), call.file, snr_db) for call in turns]
            recorded.append(sound.record(aired, WORK / "conversations" / f"jump{ending}@{snr_db}.wav"))
    heard = listen(recorded, units)
    faults = {stem: _jump_faults(one) for stem, one in heard.items()}
    right = sum(not found for found in faults.values())
    told = "; ".join(f"{stem}: {', '.join(found)}" for stem, found in faults.items() if found)
    return Report((
        Figure.at_least(
            "conversation.jump.right", right / len(faults), "share", 1.0,
            f"{right} of {len(faults)} conversations complete" + (f" ({told})" if told else ""), **faults,
        ),
    ))  # fmt: skip


def negatives(options: Options) -> Report:
    """Noise, tones, key-ups and silence have no words; people who talk of other things report nothing."""
    units = sound.write_registry(WORK / "units.csv")
    shutil.rmtree(WORK / "wordless", ignore_errors=True)
    heard = listen(sound.wordless(WORK / "wordless"), units)
    figures = _negative_figures("wordless", heard)
    spoken = [stem for stem, one in heard.items() if any(data["class"] == "speech" for data in one.received)]
    figures.append(
        Figure.at_most("wordless.taken_for_speech", len(spoken), "recordings", 0, ", ".join(spoken))
    )
    figures += _strange_figures(options.snrs_db, units)
    if options.human is not None:
        figures += _human_figures(options.human, units)
    return Report(tuple(figures))


def _strange_figures(snrs_db: Sequence[int], units: Path) -> list[Figure]:
    """Other languages and sounds that resemble speech: the sounds have no words either."""
    folder = WORK / "strangers"
    shutil.rmtree(folder, ignore_errors=True)
    voices = listen(strange_voices(folder, tuple(snrs_db)), units)
    sounds = listen(strange_sounds(folder, tuple(snrs_db)), units)
    return [
        *_negative_figures("strangers.voices", voices, may_speak=True),
        *_negative_figures("strangers.sounds", sounds),
    ]


def _human_figures(folder: Path, units: Path) -> list[Figure]:
    paths = sound.human(folder)
    shutil.rmtree(WORK / "human", ignore_errors=True)
    aired = [
        sound.record(
            [sound.on_air(sound.read(path), path.name, HUMAN_SNR_DB)], WORK / "human" / f"{path.stem}.wav"
        )
        for path in paths
    ]
    return [
        *_negative_figures("human.as_recorded", listen(paths, units), may_speak=True),
        *_negative_figures(f"human.{HUMAN_SNR_DB}db", listen(aired, units), may_speak=True),
    ]


def _negative_figures(name: str, heard: Mapping[str, Heard], *, may_speak: bool = False) -> list[Figure]:
    worded = {stem: one.text for stem, one in heard.items() if one.text.strip(" /")}
    incidents = {stem: one.false_incidents for stem, one in heard.items() if one.false_incidents}
    callers = {stem: one.callers for stem, one in heard.items() if one.callers}
    of = f"of {len(heard)} recordings"
    return [
        Figure.noted(f"{name}.with_words", len(worded), "recordings", of)
        if may_speak
        else Figure.at_most(f"{name}.with_words", len(worded), "recordings", 0, of, **worded),
        Figure.at_most(
            f"{name}.false_incidents", len(incidents), "recordings", 0, _list(incidents, of), **incidents
        ),
        Figure.at_most(f"{name}.false_callers", len(callers), "recordings", 0, _list(callers, of), **callers),
    ]


def _list(found: Mapping[str, Sequence[str]], otherwise: str) -> str:
    return f"{otherwise}: {', '.join(f'{k} {v}' for k, v in found.items())}" if found else otherwise


def split_figures(
    split: str, by_snr: Mapping[int, Sequence[tuple[Call, Heard]]], corpus: str = "accuracy"
) -> tuple[list[Figure], Table]:
    """Every slot of every call at each SNR, as figures called `corpus`.split.SNR… and as a table."""
    table = Table(
        title=f"{split} split: {len(next(iter(by_snr.values())))} calls"
        + (" (this is what counts)" if split == "test" else ""),
        title_justify="left",
        show_edge=False,
    )
    table.add_column("")
    for column in ("SNR", "of", *score.COLUMNS, "share right"):
        table.add_column(column, justify="right")
    figures: list[Figure] = []
    counts = {snr_db: _count(judged) for snr_db, judged in by_snr.items()}
    for row in next(iter(counts.values())):
        for snr_db, counted in counts.items():
            outcome = counted[row]
            told = outcome.total() - outcome["extra"]
            share = outcome["right"] / told if told else 0.0
            cells = [str(outcome[c]) if outcome[c] else "·" for c in score.COLUMNS]
            table.add_row(row, f"{snr_db} dB", str(told), *cells, f"{share:.1%}")
            name = f"{corpus}.{split}.{snr_db}db.{row.replace(' ', '_')}"
            figures.append(
                Figure.noted(f"{name}.right", share, "share", f"{outcome['right']} of {told}", **outcome)
            )
            figures.append(
                Figure.noted(f"{name}.wrong", outcome["wrong"] + outcome["extra"], "count", f"of {told}")
            )
        table.add_section()
    for snr_db, judged in by_snr.items():
        figures += false_figures(f"{corpus}.{split}.{snr_db}db", judged)
    return figures, table


def _count(judged: Sequence[tuple[Call, Heard]]) -> dict[str, Counter[str]]:
    counted: dict[str, Counter[str]] = {}
    for row, judge in score.ROWS:
        outcomes = (judge(call, heard) for call, heard in judged)
        counted[row] = Counter(outcome for outcome in outcomes if outcome is not None)
    reports = [(call, heard) for call, heard in judged if call.code and not call.exercise]
    parts_of = score.place_parts()
    counted["agencies"] = sum((score.agencies(c, h) for c, h in reports), Counter())
    counted["location parts"] = sum((score.location_parts(c, h, parts_of(c)) for c, h in reports), Counter())
    return counted


def false_figures(name: str, judged: Sequence[tuple[Call, Heard]]) -> list[Figure]:
    """Incidents, callers and counts taken from calls that have none."""
    quiet = [(call, heard) for call, heard in judged if call.kind in NO_INCIDENT]
    incidents = {call.file: heard.false_incidents for call, heard in quiet if heard.false_incidents}
    nobody = [(call, heard) for call, heard in judged if not call.caller_id]
    callers = {call.file: heard.callers for call, heard in nobody if heard.callers}
    uncounted = [(call, heard) for call, heard in judged if not call.headcount]
    counts = {
        call.file: heard.text
        for call, heard in uncounted
        if any(data["headcount"]["present"] is not None for data in heard.received)
    }
    return [
        Figure.at_most(
            f"{name}.false_incidents", len(incidents), "calls", 0,
            _list(incidents, f"of {len(quiet)} calls that report none"), **incidents,
        ),
        Figure.at_most(
            f"{name}.false_callers", len(callers), "calls", 0,
            _list(callers, f"of {len(nobody)} calls in which no unit names itself"), **callers,
        ),
        Figure.at_most(
            f"{name}.false_headcounts", len(counts), "calls", 0,
            f"of {len(uncounted)} calls that tell none", **counts,
        ),
    ]  # fmt: skip


def _resolve_figure(cpu_ms: Sequence[float], with_phones: int) -> Figure:
    return Figure.at_most(
        "resolve.on_the_path.p95", statistics.quantiles(cpu_ms, n=20)[-1], "ms", 60.0,
        f"CPU time, {len(cpu_ms)} real transcripts ({with_phones} with phones) against 2,822 units",
        median_ms=round(statistics.median(cpu_ms), 2), max_ms=round(max(cpu_ms), 2),
    )  # fmt: skip


def _decode_figures(heard: Mapping[str, Heard], recorded: Mapping[str, tuple[int, Call]]) -> list[Figure]:
    decode_s = [data["transcript"]["decode_s"] for one in heard.values() for data in one.received]
    cut = [stem for stem in recorded if len(heard[stem].received) != 1]
    return [
        Figure.noted("accuracy.decode_s.median", statistics.median(decode_s), "s", f"of {len(decode_s)}"),
        Figure.noted(
            "accuracy.calls_not_one_transmission", len(cut), "calls",
            f"of {len(recorded)}: cut into several, or not heard at all", calls=cut,
        ),
    ]  # fmt: skip


def _jump_faults(heard: Heard) -> list[str]:
    if len(heard.incidents) != 1:
        return [f"{len(heard.incidents)} incidents"]
    (incident,) = heard.incidents.values()
    needs = {need["agency"] for need in incident["needs"]}
    checks = (
        (incident["type"]["code"] == "SUICIDE_JUMP", f"code {incident['type']['code']}"),
        (incident["unit"]["unit_id"] == "u001", f"unit {incident['unit']['name']}"),
        (needs == {"FIRE", "POLICE", "EMS"}, f"needs {sorted(needs)}"),
        (incident["location"]["text"] == "6号楼楼顶", f"place {incident['location']['text']}"),
        (incident["stages"]["acknowledged_at"] is not None, "not acknowledged"),
    )
    return [fault for good, fault in checks if not good]


def _write_details(recorded: Mapping[str, tuple[int, Call]], heard: Mapping[str, Heard]) -> None:
    with DETAILS.open("w", encoding="utf-8") as out:
        for stem, (snr_db, call) in recorded.items():
            one = heard[stem]
            row = {
                "call": stem,
                "snr_db": snr_db,
                "said": call.text,
                "heard": one.text,
                "judged": {
                    name: word for name, judge in score.ROWS if (word := judge(call, one)) is not None
                },
                "caller": [data["caller"] for data in one.received],
                "callee": [data["callee"] for data in one.received],
                "headcount": [data["headcount"] for data in one.received],
                "acts": [data["acts"] for data in one.received],
                "code": [data["type"]["code"] for data in one.incidents.values()],
                "expected_code": call.code,
                "location": [data["location"] for data in one.incidents.values()],
                "needs": [[n["agency"] for n in data["needs"]] for data in one.incidents.values()],
            }
            out.write(json.dumps(row, ensure_ascii=False) + "\n")
