"""Which of the lexicon's words a decision rests on, where they stand in the text and when they were said."""

from typing import Final

from gateway.model import HeardWord, ReportGrounds
from gateway.understand.evidence import Evidence
from gateway.understand.lexicon import Lexicon
from gateway.understand.match import Hit
from gateway.understand.phonewords import Heard
from gateway.understand.reading import Reading

MOST_WORDS: Final = 40
"""More are not told: an event has its bounds, and nobody reads on."""


def report_grounds(
    evidence: Evidence,
    needed: int,
    reading: Reading,
    again: tuple[Heard, Reading] | None,
    lexicon: Lexicon,
) -> ReportGrounds:
    """Why a transmission is a report or none, with the words found in the text and in the audio."""
    words = [_written(hit, standing) for hit, standing in reading.hits]
    if again is not None:
        words += _spoken(*again, lexicon)
    return ReportGrounds(evidence.points, needed, tuple(words[:MOST_WORDS]))


def _written(hit: Hit, standing: str) -> HeardWord:
    return HeardWord(
        hit.phrase,
        *_meaning(hit),
        by="sound" if hit.by_sound else "text",
        standing=standing,
        chars=(hit.start, hit.end),
    )


def _spoken(heard: Heard, reading: Reading, lexicon: Lexicon) -> list[HeardWord]:
    standings = {hit.phrase: standing for hit, standing in reading.hits}
    words = []
    for one in heard.placed:
        meant = next((h for h in lexicon.book.exact(one.phrase) if h.phrase == one.phrase), None)
        kinds, codes = _meaning(meant) if meant else ((), ())
        words.append(
            HeardWord(
                one.phrase,
                kinds,
                codes,
                by="phones",
                standing=standings.get(one.phrase),
                span_s=(round(one.start_s, 2), round(one.end_s, 2)),
                cost_nats=round(one.per_phone, 2),
            )
        )
    return words


def _meaning(hit: Hit) -> tuple[tuple[str, ...], tuple[str, ...]]:
    kinds = tuple(dict.fromkeys(label.kind.value for label in hit.labels))
    return kinds, tuple(dict.fromkeys(label.code for label in hit.labels))
