"""Callsigns in digits: what in a call is one, and what counts, tells an amount or only sounds like one."""

from typing import Final

from gateway.understand.names import Occurrence
from gateway.understand.pinyin import Syllables
from gateway.understand.roles import CallOrder

_COUNTING: Final = "123456789"
_SHORT_DIGITS: Final = 2
_LONG_DIGITS: Final = 4
_NOT_AFTER: Final = (
    "人", "名", "个", "号楼", "栋", "楼", "层", "室", "单元", "米", "分", "岁", "辆", "急救", "日", "月",
    "年", "时", "点", "天", "次", "元", "块", "万", "亿", "种", "项", "家", "度", "吨",
)  # fmt: skip
"""What makes the number before it an amount, a place or a time."""
_NOT_AFTER_LONG: Final = ("人", "名", "个", "室", "米", "年", "元", "块", "万", "亿", "度", "吨")
"""Nobody counts floors, days or households in thousands: what sounds like one begins the next word."""
_SLACK: Final = 0.4
_SLACK_IN_AUDIO: Final = 0.5


def is_counting(found: Occurrence) -> bool:
    """Whether who tries a radio counts (一二三四五), and names nobody by it."""
    return found.form.kind == "callsign" and found.form.text in _COUNTING


def is_short(found: Occurrence) -> bool:
    """Whether it has two digits, as every other sentence does: without a marker they call nobody."""
    return found.form.kind == "callsign" and len(found.form.text) <= _SHORT_DIGITS


def is_a_word(found: Occurrence, order: CallOrder) -> bool:
    """Whether what sounds like a number of two digits is one of the words of radio speech: 试音 for 十一."""
    digits = found.form.text
    return digits.isdigit() and len(digits) <= _SHORT_DIGITS and order.covers(found.start, found.end)


def stands_alone(found: Occurrence, text: str, said: Syllables, *, in_audio: bool) -> bool:
    """Whether a number was heard whole, with no digit beside it and nothing behind it that it counts.

    In the audio digits are sounds like others; what was written as a digit is not mistaken for another.
    """
    first, last = said.spans[found.start][0], said.spans[found.end - 1][1]
    alone = not text[max(0, first - 1) : first].isdigit() and not text[last : last + 1].isdigit()
    slack = _SLACK_IN_AUDIO * found.most if in_audio else _SLACK
    counted = _NOT_AFTER_LONG if len(found.form.text) >= _LONG_DIGITS else _NOT_AFTER
    return alone and found.gain > found.most - slack and not text.startswith(counted, last)
