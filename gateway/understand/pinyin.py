"""Chinese text as syllables, and what it costs to take one syllable for another.

A syllable is a number into `SYMBOLS`. Most symbols are one toneless pinyin syllable. Digits and single
letters are symbols of their own, because 1 is said yi or yao, 7 qi or guai, and A is ei: a symbol has one or
more readings, and the cost between two symbols is the least over their readings. Two different digits, or two
different letters, both written as such, never cost less than `WRITTEN_APART`: the recogniser has decided
between them already, and 华夏A区 and 华夏B区 are two places.

The costs run from 0 (the same sound) to 1 (nothing in common) and are set by phonetics and by what
recognisers and southern speakers do: zh/z, ch/c, sh/s merge; n/l and f/h swap; -n and -ng swap; aspirated and
plain stops swap in noise; glides (i, u) come and go. Tones are left out: narrow-band radio and recognisers
lose them first.
"""

import re
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt

from gateway.understand.hanzi import readings

Costs = npt.NDArray[np.float32]
Codes = npt.NDArray[np.int16]

WRITTEN_APART: Final = 0.85
_INITIAL_SHARE: Final = 0.45
_MOST: Final = 1.0

_DIGIT_READINGS = {
    "0": "ling dong", "1": "yi yao", "2": "er liang", "3": "san", "4": "si", "5": "wu", "6": "liu",
    "7": "qi guai", "8": "ba", "9": "jiu gou",
}  # fmt: skip
_LETTER_READINGS = {
    "A": "ei", "B": "bi", "C": "xi sei", "D": "di", "E": "yi", "G": "ji zhei", "I": "ai", "J": "jie zhei",
    "K": "kai kei", "L": "ou er", "M": "mu an", "N": "en", "O": "ou", "P": "pi", "Q": "qiu kou", "R": "a",
    "T": "ti", "U": "you", "V": "wei", "Y": "wai", "Z": "zi zei",
}  # fmt: skip
_MERGED = {"zh": "z", "ch": "c", "sh": "s"}
_LONG_LETTERS = {"F": "ai fu", "H": "ai chi", "S": "ai si", "W": "da bu liu", "X": "ai ke si"}

_INITIALS: Final = (
    "", "b", "p", "m", "f", "d", "t", "n", "l", "g", "k", "h", "j", "q", "x", "zh", "ch", "sh", "r", "z", "c",
    "s",
)  # fmt: skip
_FINALS: Final = (
    "a", "o", "e", "ai", "ei", "ao", "ou", "an", "en", "ang", "eng", "er", "i", "ih", "ia", "ie", "iao", "iu",
    "ian", "in", "iang", "ing", "iong", "u", "ua", "uo", "uai", "ui", "uan", "un", "uang", "ong", "v", "ve",
    "van", "vn",
)  # fmt: skip

_INITIAL_PAIRS = {
    # merged by many southern speakers
    "zh z": 0.1, "ch c": 0.1, "sh s": 0.1, "n l": 0.15, "f h": 0.25, "r l": 0.3,
    # aspirated against plain: a short burst that noise covers
    "b p": 0.3, "d t": 0.3, "g k": 0.3, "j q": 0.3, "zh ch": 0.3, "z c": 0.3, "z ch": 0.4, "zh c": 0.4,
    # palatal against retroflex or dental, affricate against fricative
    "j zh": 0.35, "q ch": 0.35, "x sh": 0.35, "j z": 0.4, "q c": 0.4, "x s": 0.4, "sh ch": 0.4, "s c": 0.4,
    "q x": 0.4, "j x": 0.5, "zh sh": 0.5, "z s": 0.5, "ch s": 0.5, "c sh": 0.5, "q sh": 0.55, "x ch": 0.55,
    # the same manner at another place: all that is left below 3 kHz is the burst
    "b d": 0.5, "d g": 0.5, "b g": 0.55, "p t": 0.5, "t k": 0.5, "p k": 0.5, "m n": 0.4, "m l": 0.6,
    "h k": 0.4, "p f": 0.45, "f s": 0.6, "f sh": 0.6, "h x": 0.6, "t c": 0.6, "t q": 0.55, "d j": 0.55,
    "d z": 0.6, "d zh": 0.6, "d l": 0.5, "d n": 0.55, "m b": 0.5, "r zh": 0.45, "r sh": 0.5, "r z": 0.5,
    "t ch": 0.6, "b f": 0.6, "g h": 0.5, "n r": 0.5,
    # no initial against a weak one
    " r": 0.45, " h": 0.45, " l": 0.55, " n": 0.55, " m": 0.55, " g": 0.6, " f": 0.6, " d": 0.7, " b": 0.7,
    " j": 0.65, " x": 0.65,
}  # fmt: skip
_FINAL_PAIRS = {
    # -n against -ng
    "an ang": 0.15, "en eng": 0.12, "in ing": 0.1, "ian iang": 0.3, "uan uang": 0.2, "un ong": 0.35,
    "vn iong": 0.35, "in eng": 0.4, "en ing": 0.45,
    # the same rhyme with or without a glide
    "a ia": 0.25, "a ua": 0.25, "ia ua": 0.4, "an ian": 0.35, "an uan": 0.25, "ian uan": 0.4, "ian van": 0.25,
    "uan van": 0.25, "ang iang": 0.25, "ang uang": 0.2, "iang uang": 0.35, "ai uai": 0.25, "ei ui": 0.2,
    "en un": 0.25, "in vn": 0.3, "un vn": 0.3, "ao iao": 0.25, "ou iu": 0.25, "ong iong": 0.25, "e uo": 0.3,
    "o uo": 0.05, "o e": 0.25, "ie ve": 0.25, "eng ong": 0.3, "i v": 0.25, "u v": 0.35, "u uo": 0.4,
    # neighbouring vowels
    "i ih": 0.3, "e ih": 0.35, "i ei": 0.4, "i ie": 0.4, "ei ai": 0.4, "ie ei": 0.45, "ai ie": 0.55,
    "ao ou": 0.4, "a ao": 0.45, "a e": 0.5, "ou uo": 0.35, "ou u": 0.4, "ou o": 0.35, "ong ou": 0.5,
    "ong u": 0.5, "ao uo": 0.45, "iao iu": 0.4, "e er": 0.3, "a er": 0.45, "en e": 0.4, "eng e": 0.5,
    "a an": 0.45, "a ang": 0.45, "a ai": 0.45, "an ai": 0.45, "an en": 0.4, "ang eng": 0.4, "ang ao": 0.45,
    "ang ong": 0.45, "ian in": 0.4, "ian ie": 0.4, "ian ai": 0.55, "in i": 0.4, "ing i": 0.4, "ing in": 0.1,
    "ei e": 0.45, "en ei": 0.45, "ui v": 0.5, "ui u": 0.5, "un u": 0.5, "un en": 0.25, "ua uo": 0.4,
    "ve v": 0.4, "van vn": 0.4, "iu v": 0.5, "iu i": 0.5, "ie ian": 0.4, "iao ia": 0.4, "ia ian": 0.45,
    "iang ing": 0.45, "uang ong": 0.4, "ing iong": 0.45, "uai ui": 0.45, "ve ie": 0.25, "uan an": 0.25,
    "uo uang": 0.55, "u ih": 0.55, "v ih": 0.5, "ai a": 0.45,
}  # fmt: skip
_GLIDE_SPELLING = {
    "yi": "i", "ya": "ia", "ye": "ie", "yao": "iao", "you": "iu", "yan": "ian", "yin": "in", "yang": "iang",
    "ying": "ing", "yong": "iong", "yo": "o", "wu": "u", "wa": "ua", "wo": "uo", "wai": "uai", "wei": "ui",
    "wan": "uan", "wen": "un", "wang": "uang", "weng": "ong", "wong": "ong", "yu": "v", "yue": "ve",
    "yuan": "van", "yun": "vn", "m": "u", "n": "en", "ng": "eng", "hm": "en", "hng": "eng", "ê": "e",
}  # fmt: skip


def split_syllable(syllable: str) -> tuple[str, str] | None:
    """The initial ("" for none) and final of a toneless pinyin syllable, or None when it is not one.

    The vowel of zhi and zi is the final `ih`; ü is `v`; glides are spelt out, so yan is ("", "ian").
    """
    if syllable in _GLIDE_SPELLING:
        return "", _GLIDE_SPELLING[syllable]
    initial = next((i for i in (syllable[:2], syllable[:1]) if i and i in _INITIALS), "")
    final = syllable[len(initial) :]
    if initial in {"j", "q", "x"} and final.startswith("u"):
        final = {"u": "v", "ue": "ve", "uan": "van", "un": "vn"}.get(final, final)
    if final == "i" and initial in {"zh", "ch", "sh", "r", "z", "c", "s"}:
        final = "ih"
    final = {"io": "o", "uen": "un", "iou": "iu", "uei": "ui"}.get(final, final)
    return (initial, final) if final in _FINALS else None


def _all_syllables() -> tuple[str, ...]:
    spelt = [f"{i}{f}" for i in _INITIALS for f in (*_FINALS, "ue", "i") if f != "ih"]
    return tuple(dict.fromkeys(s for s in (*spelt, *_GLIDE_SPELLING) if split_syllable(s)))


SYLLABLES: Final = _all_syllables()
SYMBOLS: Final = (*SYLLABLES, *_DIGIT_READINGS, *_LETTER_READINGS)
"""Every symbol a text can be made of; a code is an index into this."""

_CODE = {symbol: code for code, symbol in enumerate(SYMBOLS)}
_NUMERALS = dict(zip("零〇一二三四五六七八九洞幺两拐勾", "00123456789" + "01279", strict=True))


@dataclass(frozen=True, slots=True)
class Syllables:
    """A text as said. `spans[k]` is the stretch of the text, start and end, that syllable k came from."""

    codes: Codes
    spans: tuple[tuple[int, int], ...]

    def __len__(self) -> int:
        return len(self.spans)


@cache
def _pair_costs(names: tuple[str, ...], pairs: tuple[tuple[str, float], ...]) -> Costs:
    costs = np.full((len(names), len(names)), _MOST, dtype=np.float32)
    np.fill_diagonal(costs, 0.0)
    index = {name: i for i, name in enumerate(names)}
    for pair, cost in pairs:
        left, right = (index[p] for p in pair.split(" "))
        costs[left, right] = costs[right, left] = cost
    return costs


def initial_costs() -> Costs:
    """The cost of hearing one initial for another, in the order of the initials; 0 on the diagonal."""
    return _pair_costs(_INITIALS, tuple(_INITIAL_PAIRS.items()))


def final_costs() -> Costs:
    """The cost of hearing one final for another, in the order of the finals; 0 on the diagonal."""
    return _pair_costs(_FINALS, tuple(_FINAL_PAIRS.items()))


@cache
def symbol_costs() -> Costs:
    """The cost of taking symbol i for symbol j, float32, symmetric, 0 on the diagonal. Do not write to it."""
    parts = [split_syllable(s) for s in SYLLABLES]
    initials = np.array([_INITIALS.index(p[0]) for p in parts if p])
    finals = np.array([_FINALS.index(p[1]) for p in parts if p])
    sounds = _INITIAL_SHARE * initial_costs()[np.ix_(initials, initials)]
    sounds = sounds + (1 - _INITIAL_SHARE) * final_costs()[np.ix_(finals, finals)]
    readings = [
        [_CODE[r] for r in (_DIGIT_READINGS.get(s) or _LETTER_READINGS.get(s) or s).split(" ")]
        for s in SYMBOLS
    ]
    by_column = np.stack([sounds[:, r].min(axis=1) for r in readings], axis=1)
    costs = np.stack([by_column[r, :].min(axis=0) for r in readings], axis=0)
    for kind in (_DIGIT_READINGS, _LETTER_READINGS):
        written = np.array([_CODE[s] for s in kind])
        block = np.ix_(written, written)
        costs[block] = np.maximum(costs[block], WRITTEN_APART)
    np.fill_diagonal(costs, 0.0)
    costs = costs.astype(np.float32)
    costs.setflags(write=False)
    return costs


_ONE_LONG: Final = tuple((start, start + 1) for start in range(64))
"""One tuple for all names and phrases: thousands of units would keep tens of thousands of equal ones."""
_PIECE = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff〇]|[A-Za-z]+|[0-9]")


def syllables(text: str) -> Syllables:
    """Spell `text` as it is said. Punctuation, and characters without a reading, are silent.

    A run of Latin letters that is itself a pinyin syllable (the recogniser wrote ei for A) is read as that
    syllable, any other run letter by letter.
    """
    said = readings(text)
    codes: list[int] = []
    spans: list[tuple[int, int]] = []
    for match in _PIECE.finditer(text):
        start, end = span = match.span()
        piece = match[0]
        if end == start + 1 and start < len(_ONE_LONG):
            span = _ONE_LONG[start]
        for code in _codes_of(piece, said[start]):
            codes.append(code)
            spans.append(span)
    return Syllables(np.array(codes, dtype=np.int16), tuple(spans))


def _codes_of(piece: str, reading: str) -> list[int]:
    if piece in _NUMERALS:
        return [_CODE[_NUMERALS[piece]]]
    if not piece.isascii():
        return [_CODE[reading]] if reading in _CODE else []
    if len(piece) > 1 and piece.lower() in SYLLABLES:
        return [_CODE[piece.lower()]]
    codes: list[int] = []
    for char in piece.upper():
        if char in _LONG_LETTERS:
            codes.extend(_CODE[r] for r in _LONG_LETTERS[char].split(" "))
        else:
            codes.append(_CODE[char])
    return codes


def folded(said: Syllables) -> tuple[str, ...]:
    """Each syllable as those hear it who merge zh with z, ch with c, sh with s, and -ng with -n."""
    out = []
    for code in said.codes.tolist():
        sound = SYMBOLS[code]
        for full, short in _MERGED.items():
            if sound.startswith(full):
                sound = short + sound[2:]
        out.append(sound.removesuffix("g") if sound.endswith("ng") else sound)
    return tuple(out)
