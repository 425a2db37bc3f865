"""Which incident, how bad, how urgent, how sure, and who is concerned: read from the hits of one text."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from gateway.understand.headcount import to_int
from gateway.understand.lexicon import Lexicon
from gateway.understand.lexicon_rules import SEVERITIES, UNKNOWN_CODE
from gateway.understand.match import Hit, Kind
from gateway.understand.reading import Reading

_ANNOUNCED: Final = re.compile(r"(?:发生|发生了|发生1起|发生一起|发生了1起|发生了一起|1起|一起)$")
_EVENT: Final = re.compile(r"(?:的)?(?:事件|事故|警情|案件)")
_LONGEST_PERSONS_CHARS: Final = 120


@dataclass(frozen=True, slots=True)
class Chosen:
    """The incident a text is about. `hit` is None when only an emergency is announced by pattern."""

    code: str
    hit: Hit
    others: tuple[str, ...] = ()


def choose_incident(reading: Reading, lexicon: Lexicon) -> Chosen | None:
    """The type the text reports, "UNKNOWN" for an emergency without a kind, None for neither.

    Of several: the one announced as an event (发生…事件), then a cause before what it led to (a fire before
    the people trapped in it), then the worse, the longer phrase, the exact one, the first.
    """
    hits = reading.stated(Kind.INCIDENT)
    if not hits:
        generic = reading.stated(Kind.GENERIC)
        return Chosen(UNKNOWN_CODE, generic[0]) if generic else None

    def standing(hit: Hit) -> tuple[bool, bool, int, int, bool, int]:
        code = hit.codes(Kind.INCIDENT)[0]
        announced = bool(_ANNOUNCED.search(reading.text, 0, hit.start) or _EVENT.match(reading.text, hit.end))
        severity = SEVERITIES.index(lexicon.type_of(code).severity)
        return (
            announced, code not in lexicon.consequences, severity, hit.end - hit.start, not hit.by_sound,
            -hit.start,
        )  # fmt: skip

    best = max(hits, key=standing)
    code = best.codes(Kind.INCIDENT)[0]
    others = {h.codes(Kind.INCIDENT)[0] for h in hits} - {code}
    return Chosen(code, best, tuple(sorted(others)))


def mentioned_incident(reading: Reading) -> str | None:
    """The type named anywhere, stated or not: which report a 误报 takes back."""
    codes = [c for h, _ in reading.hits for c in h.codes(Kind.INCIDENT)]
    return codes[0] if codes else None


def read_severity(reading: Reading, code: str | None, lexicon: Lexicon) -> str:
    """A CAP word: the type's own, raised or lowered by what else is said. Unknown where nothing says."""
    base = lexicon.type_of(code).severity if code else "Unknown"
    extreme = _stated_cue(lexicon.cues.extreme, reading, lexicon)
    severe = _stated_cue(lexicon.cues.severe, reading, lexicon)
    if extreme:
        return "Extreme"
    if severe and SEVERITIES.index(base) < SEVERITIES.index("Severe") and code:
        return "Severe"
    if code and not severe and lexicon.cues.minor.search(reading.text) and base != "Extreme":
        return "Minor"
    return base


def _stated_cue(pattern: re.Pattern[str], reading: Reading, lexicon: Lexicon) -> bool:
    text = lexicon.cues.no_casualties.sub(lambda m: "\x00" * len(m[0]), reading.masked)
    refused = [h for h, standing in reading.hits if standing != "stated"]
    for match in pattern.finditer(text):
        if not any(h.start < match.end() and match.start() < h.end for h in refused):
            return True
    return False


def read_urgency(reading: Reading, severity: str, lexicon: Lexicon) -> str:
    """CAP's urgency: what is said, else Immediate for the worse and Expected for the rest."""
    if lexicon.cues.immediate.search(reading.text):
        return "Immediate"
    if lexicon.cues.past.search(reading.text):
        return "Past"
    if lexicon.cues.expected.search(reading.text):
        return "Expected"
    if severity == "Unknown":
        return "Unknown"
    return "Immediate" if severity in {"Severe", "Extreme"} else "Expected"


def read_certainty(reading: Reading, chosen: Chosen | None, lexicon: Lexicon) -> str:
    """CAP's certainty: hedged is Possible, confirmed or told from the scene is Observed, else Likely."""
    if chosen is None:
        return "Unknown"
    if lexicon.cues.hedges.search(reading.text):
        return "Possible"
    scene = lexicon.cues.confirms.search(reading.text) or lexicon.evidence.own_scene.search(reading.text)
    if scene or lexicon.evidence.happening.search(reading.text):
        return "Observed"
    return "Likely"


def read_casualties(reading: Reading, lexicon: Lexicon) -> int | None:
    """How many are hurt (dead, unconscious …), 0 when said to be none, None when not said.

    People trapped count only where nobody is said to be hurt.
    """
    hurt = trapped = 0
    seen: set[int] = set()
    for pattern in lexicon.cues.casualties:
        for match in pattern.finditer(reading.text):
            number = to_int(match["n"])
            if number is None or seen & set(range(*match.span())):
                continue
            seen |= set(range(*match.span()))
            if match["state"] in lexicon.cues.trapped:
                trapped += number
            else:
                hurt += number
    if hurt or trapped:
        return hurt or trapped
    return 0 if lexicon.cues.no_casualties.search(reading.text) else None


def read_persons(reading: Reading, lexicon: Lexicon) -> str | None:
    """The people as described (number, kind, clothes, direction, state, plate); None when not said."""
    text = lexicon.cues.no_casualties.sub(lambda m: "\x00" * len(m[0]), reading.masked)
    spans = [m.span() for pattern in lexicon.cues.persons for m in pattern.finditer(text)]
    if lexicon.places.plate:
        spans += [m.span() for m in lexicon.places.plate.finditer(text)]
    words = [text[start:end] for start, end in _joined(spans)]
    words = [w for w in dict.fromkeys(words) if w not in {"男", "女"}]
    return ",".join(words)[:_LONGEST_PERSONS_CHARS] or None


def _joined(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined
