"""How Chinese characters are read: in their phrase where that changes a reading, else one by one.

The readings are pypinyin's, copied into two files by tools/polyphones.py: `readings.json` has each character
under its first reading, those that have no other and those that have, and `polyphones.json` the phrases that
read a character otherwise. pypinyin itself says the same at eighteen times the memory and a tenth of the
speed. Nothing here changes after the first call of each function, so any thread may call.
"""

import json
import re
from array import array
from functools import cache
from importlib.resources import files
from typing import Final

_FIRST: Final = 0x3007
_LAST: Final = 0x9FFF
_SEVERAL: Final = 0x8000
_PIECE: Final = re.compile(r"[\u3007\u3400-\u4dbf\u4e00-\u9fff]+")
_TONELESS: Final = str.maketrans(
    {letter: plain for plain, toned in {
        "a": "āáǎà", "e": "ēéěè", "ê": "ếề", "o": "ōóǒò", "i": "īíǐì", "u": "ūúǔù", "v": "üǖǘǚǜ", "m": "ḿ",
        "n": "ńňǹ", "": "\u0300\u0304\u030c",
    }.items() for letter in toned}
)  # fmt: skip


def readings(text: str) -> list[str]:
    """Each character of `text` as toneless pinyin (ü is v), in the context of its words.

    What is no Chinese character, or one of the very rare ones beyond U+9FFF, stands for itself.
    """
    said = list(text)
    for piece in _PIECE.finditer(text):
        for start, end, toneless in _cut(text, *piece.span()):
            said[start:end] = toneless.split() if toneless else map(_alone, text[start:end])
    return said


def is_read_one_way(character: str) -> bool:
    """Whether a Chinese character has one reading only, tones told apart."""
    number = _characters()[1][ord(character) - _FIRST]
    return number != 0 and not number & _SEVERAL


def phrases() -> dict[str, str]:
    """Read the phrases that read a character otherwise than it is read alone, as toned pinyin with spaces."""
    written: dict[str, str] = json.loads(_text("polyphones.json"))
    return written


def _cut(text: str, start: int, end: int) -> list[tuple[int, int, str]]:
    """Cut a run of characters into the longest phrases from the left, and single ones between them."""
    parts: list[tuple[int, int, str]] = []
    longest, known = _longest(), _phrases()
    while start < end:
        size = min(longest.get(text[start], 1), end - start)
        while size > 1 and text[start : start + size] not in known:
            size -= 1
        parts.append((start, start + size, known[text[start : start + size]] if size > 1 else ""))
        start += size
    return parts


@cache
def _phrases() -> dict[str, str]:
    """Each phrase without tones, "" where the characters say the same: most differ in tone only."""
    known = {phrase: toned.translate(_TONELESS) for phrase, toned in phrases().items()}
    return {phrase: "" if said == " ".join(map(_alone, phrase)) else said for phrase, said in known.items()}


@cache
def _longest() -> dict[str, int]:
    """How long the longest phrase is that begins with a character."""
    longest: dict[str, int] = {}
    for phrase in _phrases():
        longest[phrase[0]] = max(longest.get(phrase[0], 1), len(phrase))
    return longest


def _alone(character: str) -> str:
    syllables, reading_of = _characters()
    number = reading_of[ord(character) - _FIRST] & ~_SEVERAL
    return syllables[number - 1] if number else character


@cache
def _characters() -> tuple[tuple[str, ...], "array[int]"]:
    """The syllables, and the number of each character's first one from 1; 0 is none."""
    table: dict[str, tuple[str, str]] = json.loads(_text("readings.json"))
    # An array because 26,704 entries of a dictionary take 4 MB.
    reading_of = array("H", bytes(2 * (_LAST - _FIRST + 1)))
    for number, (only, first) in enumerate(table.values(), start=1):
        for characters, mark in ((only, 0), (first, _SEVERAL)):
            for character in characters:
                reading_of[ord(character) - _FIRST] = number | mark
    return tuple(table), reading_of


def _text(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")
