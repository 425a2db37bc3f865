"""The one form of text that people read and slots match."""

import re
import unicodedata
from functools import cache

from opencc import OpenCC

from gateway.understand.digits import digits_from_speech

_HAN = "\u3400-\u4dbf\u4e00-\u9fff〇"
_PUNCTUATION = str.maketrans(
    {
        "。": ".",
        "、": ",",
        ";": ",",
        "·": None,
        "…": ".",
        "—": ",",
        "“": None,
        "”": None,
        "‘": None,
        "’": None,
        '"': None,
        "'": None,
        "「": None,
        "」": None,
        "『": None,
        "』": None,
        "《": None,
        "》": None,
        "\ufeff": None,
        "\u200b": None,
    }
)
_COLON = re.compile(r"(?<![0-9]):|:(?![0-9])")
_SPACES = re.compile(r"\s+")
_LOOSE_SPACE = re.compile(rf"(?<=[{_HAN},.?!]) | (?=[{_HAN},.?!])")
_REPEATED_MARKS = re.compile(r"([,.?!])[,.?!]+")
_LEADING_MARKS = re.compile(r"^[,.?! ]+")
_MOST_ROUNDS = 8


@cache
def _simplifier() -> OpenCC:
    return OpenCC("t2s")


def normalise(raw: str) -> str:
    """Return `raw` in simplified characters and half-width letters, spoken numbers as digits.

    Punctuation becomes ASCII `,` `.` `?` `!`, never two in a row. Spaces are kept only between Latin words.
    Letter case is kept. Idempotent: rounds go on until nothing changes.
    """
    text = raw
    for _ in range(_MOST_ROUNDS):
        tidied = _round(text)
        if tidied == text:
            break
        text = tidied
    return text


def _round(text: str) -> str:
    text = unicodedata.normalize("NFKC", text)
    if not text.isascii():
        text = str(_simplifier().convert(text))
    text = _COLON.sub(",", text.translate(_PUNCTUATION))
    text = _SPACES.sub(" ", text).strip()
    text = _LOOSE_SPACE.sub("", text)
    text = _REPEATED_MARKS.sub(r"\1", text)
    return digits_from_speech(_LEADING_MARKS.sub("", text))
