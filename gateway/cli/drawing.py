"""Why an event says what it says, drawn for a terminal. Pure: a transmission's event in, renderables out."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from gateway.model import PhoneEvidence
from gateway.reviewwords import NO_NAMES, CodeNames, reason_in_words
from gateway.understand.alignment import PhoneAt, SyllablePair, align_phones, align_text
from gateway.watch.screen import printable

Document = Mapping[str, Any]

STATUS_STYLE = {"matched": "bold black on green", "ambiguous": "bold black on yellow", "unknown": "bold"}
POLARITY_STYLE = {"report": "bold white on red", "cancel": "bold black on yellow",
                  "resolve": "bold black on green", "none": "bold"}  # fmt: skip
STANDING_STYLE = {"stated": "green", "negated": "red", "hypothetical": "yellow", "asked": "yellow"}
FITS, DOUBTFUL, WRONG = "green", "yellow", "bold red"
_SAME_SOUND, _NEAR_SOUND = 0.001, 0.35
_WELL_HEARD_NATS, _HALF_HEARD_NATS = 0.7, 2.5
_PARTS = ("text", "phones", "position", "prior", "signalling")
_INDENT = (0, 0, 0, 2)
LEGEND = "nats (natural-log odds), + for and - against; * not among the best found there"


def draw(
    event: Document, phones: PhoneEvidence | None = None, names: CodeNames = NO_NAMES
) -> Iterator[RenderableType]:
    """Draw one `transmission.received`: words, caller, callee, report, review. `phones` adds the audio's.

    `names` is what people call the codes that reasons for a review are about.
    """
    data = printable(event["data"])
    yield _heading(data)
    if data["class"] != "speech" and not data["transcript"]["text"]:
        yield Text(f"  no words: {data['class']}", style="dim")
    for title, side in (("CALLER", "caller"), ("CALLEE", "callee")):
        yield from _party(title, data[side], phones)
    yield from _report(data)
    yield from _rest(data)
    yield from _review(data["review"], names)


def _heading(data: Document) -> Text:
    words = data["transcript"]
    text = Text().append(f"{data['radio']} ", style="bold blue")
    if data["duration_s"]:
        text.append(f"{data['duration_s']:.1f} s, ended by {data['end']}  ", style="dim")
    text.append(f"“{words['text']}”", style="bold")
    confidence = "" if words["confidence"] is None else f", confidence {words['confidence']:.2f}"
    was_heard = words["engine"] != "none"
    source = f"{words['engine']} {words['model']}" if was_heard else words["model"]
    text.append(f"\n  {source}{confidence}", style="dim")
    if words["raw"] != words["text"]:
        text.append(f"; as {'the engine wrote it' if was_heard else 'typed'}: {words['raw']}", style="dim")
    return text


def _party(title: str, party: Document, phones: PhoneEvidence | None) -> Iterator[RenderableType]:
    text = Text().append(f"\n{title} ", style="bold")
    text.append(f" {party['status']} ", style=STATUS_STYLE[party["status"]])
    if party["status"] == "matched":
        name = party["name"] if party["kind"] == "unit" else f"{party['name']} (command post)"
        text.append(f" {name}", style="bold cyan").append(f" {party['unit_id'] or ''}".rstrip(), style="dim")
    if party["candidates"] or party["status"] != "unknown":
        text.append(f"  score {party['score']:.2f}, margin {party['margin']:.2f}")
    if party["heard"]:
        text.append(f"  heard “{party['heard']}”")
    if at := party.get("heard_at"):
        text.append(f" at {at['start_s']:.2f}-{at['end_s']:.2f} s")
    if party["by"]:
        text.append(f"  by {', '.join(party['by'])}", style="dim")
    yield text
    if party["candidates"] or party.get("evidence"):
        yield Padding(_candidates(party), _INDENT)
        yield Text(f"  {LEGEND}", style="dim")
    yield from _alignments(party, phones)


def _candidates(party: Document) -> Table:
    """A row for each candidate, a column for each kind of evidence that says anything about one of them."""
    rows = list(party["candidates"])
    if party["kind"] == "command" and party["status"] == "matched":
        rows.insert(0, {"unit_id": "", "name": party["name"], "score": party["score"],
                        "evidence": party.get("evidence", ())})  # fmt: skip
    used = [part for part in _PARTS if any(g["by"] == part for row in rows for g in row.get("evidence", ()))]
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    table.add_column("candidate", overflow="fold")
    table.add_column("score", justify="right")
    for part in used:
        table.add_column(part, justify="right")
    table.add_column("sum", justify="right")
    table.add_column("went by", overflow="fold")
    for row in rows:
        grounds = row.get("evidence", ())
        cells = [_nats([g for g in grounds if g["by"] == part]) for part in used]
        total = sum(g["nats"] or 0.0 for g in grounds)
        name = Text(row["name"]).append(f" {row['unit_id']}", style="dim")
        table.add_row(name, f"{row['score']:.3f}", *cells, _signed(total), _went_by(grounds))
    rest = max(0.0, 1.0 - sum(row["score"] for row in rows))
    nobody = Text("nobody, or another", style="dim")
    table.add_row(nobody, Text(f"{rest:.3f}", style="dim"), *[""] * len(used), Text("0.0", style="dim"), "")
    return table


def _nats(grounds: Sequence[Document]) -> Text:
    if not grounds:
        return Text("")
    if any(g["nats"] is None for g in grounds):
        return Text("decides", style="bold green")
    told = _signed(sum(g["nats"] for g in grounds))
    if all(g["by"] in {"text", "phones"} and g["heard"] is None for g in grounds):
        told.append("*", style="dim")
    return told


def _signed(nats: float) -> Text:
    return Text(f"{nats:+.1f}", style=FITS if nats > 0 else "red" if nats < 0 else "dim")


def _went_by(grounds: Iterable[Document]) -> Text:
    told = dict.fromkeys(
        f"{g['form']}" + ("" if g["detail"] == "name" else f" ({g['detail']})")
        for g in grounds
        if g["form"] is not None
    )
    extra = [
        f"{g['by']} {g['detail']}" for g in grounds if g["by"] in {"prior", "signalling"} and g["detail"]
    ]
    return Text(", ".join([*told, *extra]), style="dim")


def _alignments(party: Document, phones: PhoneEvidence | None) -> Iterator[RenderableType]:
    """The best candidate's name beside the text and beside the audio, and the second's where it is near."""
    best = party.get("evidence", ()) or next((c["evidence"] for c in party["candidates"]), ())
    second = [c["evidence"] for c in party["candidates"][1:2] if c["score"] * 20 > party["score"]]
    for grounds in (best, *second):
        for ground in grounds:
            if ground["form"] is None or not ground["heard"]:
                continue
            if ground["by"] == "text":
                yield Padding(_beside_text(align_text(ground["form"], ground["heard"])), _INDENT)
            elif phones is not None and ground["heard_at"] is not None:
                span_s = ground["heard_at"]["start_s"], ground["heard_at"]["end_s"]
                if aligned := align_phones(ground["form"], phones, span_s):
                    yield Padding(_beside_audio(ground["form"], aligned), _INDENT)


def _beside_text(pairs: Sequence[SyllablePair]) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 1, 0, 0))
    table.add_row(
        "name",
        *(Text(pair.name or ("" if pair.name_sound else "·"), style=_sound_style(pair)) for pair in pairs),
    )
    table.add_row(
        Text("sound", style="dim"),
        *(Text(_sounds(pair), style=_sound_style(pair)) for pair in pairs),
    )
    table.add_row(
        "text",
        *(Text(pair.heard or ("" if pair.heard_sound else "·"), style=_sound_style(pair)) for pair in pairs),
    )
    return table


def _sounds(pair: SyllablePair) -> str:
    if pair.name_sound == pair.heard_sound:
        return pair.name_sound
    return f"{pair.name_sound or '·'}/{pair.heard_sound or '·'}"


def _sound_style(pair: SyllablePair) -> str:
    if pair.cost < _SAME_SOUND:
        return FITS
    return DOUBTFUL if pair.cost < _NEAR_SOUND else WRONG


def _beside_audio(form: str, aligned: Sequence[PhoneAt]) -> Text:
    text = Text("audio ")
    for one in aligned:
        style = FITS
        if one.loss_nats > _WELL_HEARD_NATS:
            style = DOUBTFUL if one.loss_nats <= _HALF_HEARD_NATS else WRONG
        instead = f"←{one.instead}" if one.instead and style != FITS else ""
        text.append(f"{one.phone}{instead} ", style=style)
    lost = sum(one.loss_nats for one in aligned) / len(aligned)
    text.append(
        f" {form} {aligned[0].start_s:.2f}-{aligned[-1].end_s:.2f} s, {lost:.2f} nats lost a phone",
        style="dim",
    )
    return text


def _report(data: Document) -> Iterator[RenderableType]:
    report = data.get("report")
    if report is None:
        return
    polarity = report["polarity"]
    text = Text().append("\nREPORT ", style="bold").append(f" {polarity} ", style=POLARITY_STYLE[polarity])
    if report["code"]:
        text.append(f" {report['code']}", style="bold")
    if report["points"]:
        total = sum(report["points"].values())
        enough = total >= report["needed"]
        text.append(f"  {total} of {report['needed']} points: ", style=FITS if enough else "red")
        text.append(", ".join(f"{name} {value:+d}" for name, value in report["points"].items()))
    yield text
    if report["words"]:
        yield Padding(_words(report["words"]), _INDENT)


def _words(words: Sequence[Document]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for title in ("word", "means", "found", "where", "stands"):
        table.add_column(title, overflow="fold")
    for word in words:
        means = " ".join(f"{'/'.join(word['kinds'])} {'/'.join(word['codes'])}".split())
        where = ""
        if word["written_at"]:
            where = f"character {word['written_at']['start'] + 1}-{word['written_at']['end']}"
        if word["heard_at"]:
            at = word["heard_at"]
            where = f"{at['start_s']:.2f}-{at['end_s']:.2f} s"
        found = {"text": "written", "sound": "sounds like", "phones": "heard"}[word["by"]]
        if word["cost_nats"] is not None:
            found += f", {word['cost_nats']:.2f} nats"
        stands = word["standing"] or ""
        table.add_row(
            Text(word["phrase"], style="bold"), means, found, where,
            Text(stands, style=STANDING_STYLE.get(stands, "dim")),
        )  # fmt: skip
    return table


def _rest(data: Document) -> Iterator[Text]:
    told = []
    count = data["headcount"]
    if count["present"] is not None:
        expected = "" if count["expected"] is None else f" of {count['expected']}"
        told.append(f"{count['present']}{expected} people")
    if data["acts"]:
        told.append("acts " + ", ".join(data["acts"]))
    if data["exercise"]:
        told.append("an exercise")
    if told:
        yield Text().append("\nALSO  ", style="bold").append("; ".join(told), style="default")


def _review(review: Document, names: CodeNames) -> Iterator[RenderableType]:
    if not review["required"]:
        yield Text("\nREVIEW ", style="bold").append("nobody needs to look", style="green")
        return
    yield Text("\nREVIEW", style="bold")
    yield Padding(reasons_told(review["reasons"], names), _INDENT)


def reasons_told(reasons: Iterable[str], names: CodeNames) -> Text:
    """A line for each reason to look: in the words of the form, and the code that the manual lists."""
    lines = [
        Text("⚑ ", style="yellow").append(reason_in_words(one, names)).append(f"  {one}", style="dim")
        for one in reasons
    ]
    return Text("\n").join(lines)
