"""Places heard in the audio: what is looked for among the words of a call (placechain.py tells the place).

Numbers are the point: 7栋 and 1栋 differ in one syllable. Every number is a group of its own
(phonewords.py), so that two within reach of each other are both left out.
"""

from collections.abc import Mapping
from typing import Final

from gateway.understand.lexicon_rules import PlaceGrammar

_NUMBERED: Final = (
    ("{}号楼", range(1, 31)), ("{}栋", range(1, 31)), ("{}单元", range(1, 11)), ("{}号门", range(1, 13)),
    ("{}楼", range(1, 34)), ("负{}楼", range(1, 4)), ("负{}层", range(1, 4)), ("地下{}层", range(1, 4)),
)  # fmt: skip
_LETTERED: Final = tuple(f"{letter}{form}" for letter in "abcdf" for form in ("座", "栋", "出口"))
_SIDES: Final = ("东", "南", "西", "北", "正", "后", "侧", "大")
_RELATIONS: Final = ("门口", "楼下", "楼上", "对面", "旁边", "北侧", "南侧", "东侧", "西侧", "前面", "后面")
_LEAST_SPOTS_CHARS: Final = 2


def place_phrases(grammar: PlaceGrammar) -> Mapping[str, str]:
    """Every place to be listened for, and the group that must not be taken for another of the same form."""
    phrases = {form.format(n): f"place:{form.format(n)}" for form, numbers in _NUMBERED for n in numbers}
    phrases |= {word: f"place:{word}" for word in _LETTERED}
    for side in _SIDES:
        for form in ("门", "门口"):
            phrases[side + form] = f"place:{side}门"
    phrases |= dict.fromkeys(
        (*(w for w in grammar.spots if len(w) >= _LEAST_SPOTS_CHARS), *_RELATIONS), "plain"
    )
    return phrases
