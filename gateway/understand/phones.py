"""What a name or phrase sounds like, as the phones the phone head tells apart: pinyin initials and finals.

Tones are left out: on a narrow band they add little and speakers disagree. y and w count as initials, ü is
written v, and the apical vowels of zhi and zi have phones of their own, so that each phone is one sound.
Letters and digits are phones as people say them (A is ei, 洞 is dong), so A区 and B区 differ.
"""

import re
from functools import cache

from gateway.understand.digits import RADIO_DIGITS
from gateway.understand.hanzi import readings

INITIALS = tuple("zh ch sh b p m f d t n l g k h j q x r z c s y w".split())  # noqa: SIM905 - a table
_OPEN_FINALS = "a o e ai ei ao ou an en ang eng ong er i ir iz ia ie iao iu ian in iang ing iong"
FINALS = (*_OPEN_FINALS.split(), *"u ua uo uai ui uan un uang v ve van vn".split())  # noqa: SIM905
PHONES: tuple[str, ...] = (*INITIALS, *FINALS)
"""The phone head's output columns after the blank, in this order."""

LETTERS = {
    **dict(zip("ABCDEFGHI", ("ei", "bi", "xi", "di", "yi", "ai fu", "ji", "ai chi", "ai"), strict=True)),
    **dict(zip("JKLMNOPQR", ("jie", "kai", "ai le", "ai mu", "en", "ou", "pi", "qiu", "a"), strict=True)),
    **dict(
        zip("STUVWXYZ", ("ai si", "ti", "you", "wei", "da bu liu", "ai ke si", "wai", "zei"), strict=True)
    ),
}
"""How radio operators say Latin letters, in pinyin."""

_DIGITS = ("ling", "yao", "er", "san", "si", "wu", "liu", "qi", "ba", "jiu")
_PLAIN = dict(zip("0123456789", _DIGITS, strict=True))
_COUNTED = {**_PLAIN, "1": "yi"}
_SPOKEN = dict(zip(RADIO_DIGITS.values(), ("dong", "yao", "liang", "guai", "gou"), strict=True))
_RADIO = {**_PLAIN, **_SPOKEN}
_PIECE = re.compile(r"[0-9]+|[A-Za-z]|[\u3400-\u4dbf\u4e00-\u9fff〇]+")
_LONGEST_COUNT = 2
_FRONT_U = frozenset("jqxy")


@cache
def syllable_phones(pinyin: str) -> tuple[str, ...]:
    """The phones of one toneless syllable such as zhuang, xue or lv; empty when it is no pinyin syllable."""
    initial = next((i for i in INITIALS if pinyin.startswith(i)), "")
    final = pinyin[len(initial) :].replace("ü", "v")
    if final.startswith("u") and initial in _FRONT_U and initial:
        final = "v" + final[1:]
    if final == "i" and initial in {"zh", "ch", "sh", "r"}:
        final = "ir"
    elif final == "i" and initial in {"z", "c", "s"}:
        final = "iz"
    final = {"ue": "ve", "uen": "un", "ê": "e", "iou": "iu", "uei": "ui"}.get(final, final)
    if final not in FINALS:
        return ()
    return (initial, final) if initial else (final,)


def phones_of(text: str) -> tuple[str, ...]:
    """The phones of `text` in its most likely reading: short numbers as quantities, long ones by digit."""
    return _reading(text, _PLAIN, count=True)


def pronunciations(name: str) -> tuple[tuple[str, ...], ...]:
    """The ways `name` may be said, most likely first, each at least one phone; numbers make the difference.

    12号 is shi er hao, yi er hao, yao er hao or yao liang hao. Empty when nothing in it can be said.
    """
    readings = [phones_of(name)]
    if any(c.isdigit() for c in name):
        readings += [_reading(name, digits, count=False) for digits in (_COUNTED, _PLAIN, _RADIO)]
    return tuple(dict.fromkeys(r for r in readings if r))


def _reading(text: str, digits: dict[str, str], *, count: bool) -> tuple[str, ...]:
    phones: list[str] = []
    for piece in _PIECE.findall(text):
        for syllable in _syllables(piece, digits, count=count):
            phones += syllable_phones(syllable)
    return tuple(phones)


def _syllables(piece: str, digits: dict[str, str], *, count: bool) -> list[str]:
    if piece[0].isdigit():
        if count and len(piece) <= _LONGEST_COUNT and not piece.startswith("0"):
            return _quantity(int(piece))
        return [digits[d] for d in piece]
    if piece.isascii():
        return LETTERS[piece.upper()].split()
    return readings(piece)


def _quantity(value: int) -> list[str]:
    tens, ones = divmod(value, 10)
    said = [] if tens < 2 else [_COUNTED[str(tens)]]  # noqa: PLR2004 - ten itself is shi, not yi shi
    if tens:
        said.append("shi")
    return [*said, _COUNTED[str(ones)]] if ones or not tens else said
