"""How Chinese characters are read: in their phrase where that changes a reading, else one by one.

The readings are pypinyin's, copied into two files by tools/polyphones.py: `readings.json` has each character
under its first reading, those that have no other and those that have, and `polyphones.json` the phrases that
read a character otherwise. pypinyin itself says the same at eighteen times the memory and a tenth of the
speed. Nothing here changes after the first call of each function, so any thread may call.
"""

import json
from array import array
from functools import cache
from importlib.resources import files
from typing import Final

_FIRST: Final = 0x3007
_LAST: Final = 0x9FFF
_SEVERAL: Final = 0x8000
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
    said = _one_by_one(text)
    longest, known = _longest(), _phrases()
    end = 0
    for start, character in enumerate(text):
        if start < end or character not in longest:
            continue
        # the longest phrases from the left, and single characters between them
        size = min(longest[character], len(text) - start)
        while size > 1 and text[start : start + size] not in known:
            size -= 1
        end = start + size
        if size > 1 and (toneless := known[text[start:end]]):
            said[start:end] = toneless.split()
    return said


def is_read_one_way(character: str) -> bool:
    """Whether a Chinese character has one reading only, tones told apart."""
    number = _characters()[1][ord(character) - _FIRST]
    return number != 0 and not number & _SEVERAL


def phrases() -> dict[str, str]:
    """Read the phrases that read a character otherwise than it is read alone, as toned pinyin with spaces."""
    written: dict[str, str] = json.loads(_text("polyphones.json"))
    return written


@cache
def _phrases() -> dict[str, str]:
    """Each phrase without tones, "" where the characters say the same: most differ in tone only."""
    known = {phrase: toned.translate(_TONELESS) for phrase, toned in phrases().items()}
    return {phrase: "" if said == " ".join(_one_by_one(phrase)) else said for phrase, said in known.items()}


@cache
def _longest() -> dict[str, int]:
    """How long the longest phrase is that begins with a character."""
    longest: dict[str, int] = {}
    for phrase in _phrases():
        longest[phrase[0]] = max(longest.get(phrase[0], 1), len(phrase))
    return longest


def _one_by_one(text: str) -> list[str]:
    """Each character's first reading, or itself where it has none."""
    syllables, reading_of = _characters()
    return [
        syllables[number - 1]
        if _FIRST <= ord(c) <= _LAST and (number := reading_of[ord(c) - _FIRST] & ~_SEVERAL)
        else c
        for c in text
    ]


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
