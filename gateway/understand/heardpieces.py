"""What was said piece by piece: phrases that were heard, and the phone head's own reading between them."""

from collections.abc import Iterable, Sequence
from typing import Final

from gateway.understand.digits import digits_from_speech
from gateway.understand.phonereading import PhoneReading
from gateway.understand.phonesearch import PhoneHit

SHORT_PHONES: Final = 5
"""Two syllables have at most so many phones: they are heard by chance somewhere in any call."""
TOUCH_S: Final = 0.03
_BEFORE_S: Final = 1.2
_SPOKEN_DIGITS: Final = frozenset("0123456789零一二两三四五六七八九洞幺要拐怪乖勾钩沟邹")
_RATHER: Final = str.maketrans({"情": "请", "误": "五", "哥": "个", "德": "的"})
"""By themselves these sounds are said as these words, between phrases of the lexicon."""

Kept = Sequence[tuple[PhoneHit, str]]
"""Hits that do not overlap, each with the words that are written there."""
Pieces = list[tuple[float, str]]
"""Words and when they were said, in seconds, in their order."""


def pieces_of(reading: PhoneReading, kept: Kept) -> Pieces:
    """What was said piece by piece, each with its time."""
    pieces = [(hit.start_s, words) for hit, words in kept]
    for character, (start, end) in zip(reading.text, reading.times, strict=True):
        middle = (start + end) / 2
        if not any(hit.start_s <= middle < hit.end_s for hit, _ in kept):
            pieces.append((middle, character.translate(_RATHER)))
    return sorted(pieces, key=lambda piece: piece[0])


def joined(pieces: Iterable[tuple[float, str]]) -> str:
    """The pieces as text; a count that follows a callsign's digits begins anew: 1855, 2人在岗."""
    text = ""
    for _, words in pieces:
        apart = len(words) > 1 and words[0].isdigit() and text[-1:] in _SPOKEN_DIGITS
        text += f",{words}" if apart and text else words
    return digits_from_speech(text)


def before(hit: PhoneHit, pieces: Pieces) -> str:
    """What was said right before a hit."""
    return "".join(words for at, words in pieces if hit.start_s - _BEFORE_S <= at < hit.start_s)


def touches(hit: PhoneHit, kept: Iterable[tuple[PhoneHit, str]]) -> bool:
    """Whether a hit lies over one of those that are kept."""
    return any(hit.shared_s(other.start_s, other.end_s) > TOUCH_S for other, _ in kept)
