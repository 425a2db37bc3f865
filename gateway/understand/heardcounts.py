"""Counts of people to be listened for: the numbers grammar of a roll-call, spelt out.

Each number is a group of its own (phonewords.py), so that 4 and 10 never mix.
"""

from collections.abc import Iterable, Mapping
from typing import Final

COUNTS: Final = range(1, 13)
"""What is listened for; a unit has a handful of people, and a longer list is more to be mistaken in."""
_ALSO_DUTY: Final = ("值守", "到场", "已到场", "到位", "到达", "已到达", "已经到达", "已上岗")
_PEOPLE: Final = ("{}人", "{}个人", "{}名队员", "{}名保安")
_BARE: Final = ("{}名队员", "{}名保安", "{}个人")
_SAID_WITH: Final = (
    "在岗人数{}人",
    "全员{}人",
    "实到{}人",
    "{}人已打卡",
    "到达现场{}人",
    "现有{}人",
    "今天{}人",
    "今日{}人",
    "共{}人",
    "一共{}人",
    "总共{}人",
    "一共{}个",
    "加我{}个",
    "实有{}人",
    "在岗{}名",
    "我们{}个",
    "到了{}个",
)
_SAID_AS: Final = {2: ("2", "两")}
_EXPECTED: Final = "应到{}人"


def count_phrases(duty_words: Iterable[str]) -> Mapping[str, str]:
    """Every way to say how many people are there, and the group of its number."""
    words = dict.fromkeys((*duty_words, *_ALSO_DUTY))
    said: dict[str, str] = {}
    for n in COUNTS:
        for number in _SAID_AS.get(n, (str(n),)):
            people = [form.format(number) for form in _PEOPLE]
            forms = [one + word for one in people for word in words]
            forms += [word + one for one in people[:1] for word in words]
            forms += [form.format(number) for form in (*_BARE, *_SAID_WITH)]
            said |= dict.fromkeys(forms, f"count:{n}")
            said[_EXPECTED.format(number)] = f"expected:{n}"
    return said
