"""Small patterns of the lexicon spelt out: `(老人|小孩)(晕倒|昏迷)了?` is eight phrases.

Phrases that are spelt out can be heard in the audio and matched by sound, as a regular expression cannot; and
what nobody has thought to write down, because it joins two ordinary words, is among them.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final

MOST_WORDS: Final = 1_500
"""What one pattern may stand for: each phrase costs time in every call that is heard."""
LONGEST_SPOKEN: Final = 7
"""Longer phrases are not sought in the audio: they are seldom said just so."""
LONG_ENOUGH: Final = 4
"""What so many characters tell is found without those around them."""
_LISTED: Final = re.compile(r"(?<!\?P)<([a-z_]+)>")
_SPECIAL: Final = frozenset("()|?")


def with_lists(pattern: str, lists: Mapping[str, Sequence[str]]) -> str:
    """`pattern` with `(a|b)` for each `<name>`; named groups of regular expressions stay.

    Raises:
        ValueError: there is no list of that name.
    """

    def words(match: re.Match[str]) -> str:
        if match[1] not in lists:
            raise ValueError(f"no such list in word_lists: {match[1]}")
        return f"({'|'.join(lists[match[1]])})"

    return _LISTED.sub(words, pattern)


def spelt_out(form: str, lists: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Every phrase that a form of characters, `(a|b)` and `?` stands for, each once, in its order.

    Raises:
        ValueError: brackets do not match, a `?` follows nothing, a list is missing, or it is too much.
    """
    text = with_lists(form, lists)
    words, end = _choices(text, 0)
    if end != len(text):
        raise ValueError(f"a bracket too many in {form!r}")
    if not all(words):
        raise ValueError(f"{form!r} may stand for nothing at all")
    return tuple(dict.fromkeys(words))


def not_holding(words: Sequence[str], known: Sequence[str]) -> list[str]:
    """Those of `words` that hold no other and none of `known`, of four characters or more."""
    long = {word for word in (*known, *words) if len(word) >= LONG_ENOUGH}
    return [word for word in dict.fromkeys(words) if not long.intersection(_inner(word))]


def _inner(word: str) -> list[str]:
    size = len(word)
    return [word[i:j] for i in range(size) for j in range(i + LONG_ENOUGH, size + 1) if j - i < size]


def _choices(text: str, at: int) -> tuple[list[str], int]:
    """The phrases of alternatives from `at` to the closing bracket or the end, and where that is."""
    found: list[str] = []
    while True:
        words, at = _sequence(text, at)
        found += words
        if text[at : at + 1] != "|":
            return found, at
        at += 1


def _sequence(text: str, at: int) -> tuple[list[str], int]:
    words = [""]
    while at < len(text) and text[at] not in "|)":
        piece, at = _piece(text, at)
        words = [left + right for left in words for right in piece]
        if len(words) > MOST_WORDS:
            raise ValueError(f"{text[:40]!r} stands for more than {MOST_WORDS} phrases")
    return words, at


def _piece(text: str, at: int) -> tuple[list[str], int]:
    if text[at] == "(":
        piece, at = _choices(text, at + 1)
        if text[at : at + 1] != ")":
            raise ValueError(f"a bracket is not closed in {text[:40]!r}")
    elif text[at] in _SPECIAL:
        raise ValueError(f"nothing before {text[at]!r} in {text[:40]!r}")
    else:
        piece = [text[at]]
    at += 1
    if text[at : at + 1] == "?":
        return [*piece, ""], at + 1
    return piece, at
