"""What the phone head heard, written as text: one character for each syllable, a comma for each pause.

Characters are chosen for their sound alone, from those of radio speech first, so the text is readable where
it is ordinary (指挥中心我是…) and nonsense where a name is spelt (发夏 for 华夏). It is a second transcript,
by another reader of the same audio: whoever knows call order can read it as they read the first one, and
every character has its time.
"""

from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np

from gateway.model import PhoneEvidence
from gateway.understand.hanzi import is_read_one_way, readings
from gateway.understand.phones import FINALS, INITIALS, syllable_phones

RADIO_CHARACTERS: Final = (
    "指挥中心我是这里最小应急单元有紧急情况汇报收到请讲呼叫听回答在岗人一切正常报告发生火灾现场需要消防公安"
    "支援马上安排楼顶电梯困区号栋层门口前往出发已达完毕明白清楚没误演练测试点名重复可以了二三四五六七八九十两零"
    "东南西北路小学校园酒店市广场花村社医院上下来去和不都会行派车救护警察老孩子男女打架着泄漏水停气煤伤"
)
"""Where several characters share a sound the first of these is written."""
_PAUSE_S: Final = 0.35
_LEVEL_ONE_ROWS: Final = range(0xB0, 0xD8)
_PAUSE_MARK: Final = ","
_GLIDES: Final = {
    "ia": ("y", "a"), "ie": ("y", "e"), "iao": ("y", "ao"), "iu": ("y", "ou"), "ian": ("y", "an"),
    "iang": ("y", "ang"), "iong": ("y", "ong"), "ir": ("sh", "ir"), "iz": ("s", "iz"), "ui": ("w", "ei"),
    "un": ("w", "en"), "uo": ("w", "o"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class PhoneReading:
    """`text` is characters and commas; `times` are when each was said, start and end in seconds."""

    text: str
    times: tuple[tuple[float, float], ...]

    def span_s(self, start: int, end: int) -> tuple[float, float]:
        """When the characters `start` to `end` (exclusive) were said."""
        return self.times[start][0], self.times[max(start, end - 1)][1]


def read_phones(evidence: PhoneEvidence) -> PhoneReading:
    """The head's best free path as text."""
    characters: list[str] = []
    times: list[tuple[float, float]] = []
    for sound, start, end in _heard_syllables(evidence):
        if times and start - times[-1][1] > _PAUSE_S:
            characters.append(_PAUSE_MARK)
            times.append((times[-1][1], start))
        characters.append(_characters()[sound])
        times.append((start, end))
    return PhoneReading("".join(characters), tuple(times))


def _heard_syllables(evidence: PhoneEvidence) -> list[tuple[tuple[str, ...], float, float]]:
    best = evidence.log_probs.argmax(axis=1)
    changes = np.flatnonzero(np.diff(best, prepend=0))
    syllables: list[tuple[tuple[str, ...], float, float]] = []
    initial: tuple[str, float] | None = None
    for at in changes.tolist():
        column = int(best[at])
        if column == 0:
            continue
        phone, here = evidence.phones[column - 1], at * evidence.frame_s
        if phone in INITIALS:
            initial = (phone, here)
            continue
        sound: tuple[str, ...] = (phone,)
        start = here
        if initial is not None and (initial[0], phone) in _characters():
            sound, start = (initial[0], phone), initial[1]
        initial = None
        if sound in _characters():
            syllables.append((sound, start, here + evidence.frame_s))
    return syllables


@cache
def _characters() -> dict[tuple[str, ...], str]:
    """A character for each sound: one with a single reading, a common one if there is one."""
    table: dict[tuple[str, ...], str] = {}
    for character in RADIO_CHARACTERS:
        sound = syllable_phones(readings(character)[0])
        if sound:
            table.setdefault(sound, character)
    for row in _LEVEL_ONE_ROWS:
        for cell in range(0xA1, 0xFF):
            character = bytes((row, cell)).decode("gb2312", errors="ignore")
            if not character:
                continue
            sound = syllable_phones(readings(character)[0])
            if sound and sound not in table and is_read_one_way(character):
                table[sound] = character
    table["ei",] = "诶"
    for final in FINALS:
        # a final whose initial was not heard: the glide spelling of the same vowel
        glide = _GLIDES.get(final, ("y", final) if final[0] in "iv" else ("w", final))
        table.setdefault((final,), table.get(glide) or table.get(("w", final[1:]), "啊"))
    return table
