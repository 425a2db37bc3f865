"""Counts of people to be listened for: the numbers grammar of a roll-call.

Spelt out for the text that is made of a call, each number a group of its own (phonewords.py), so that 4 and
10 never mix; and as frames around any number (numbersearch.py), where numbers are told from each other.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from gateway.understand.numbersearch import Frame, NumberSearch

COUNTS: Final = range(1, 13)
"""What is listened for; a unit has a handful of people, and a longer list is more to be mistaken in."""
_ALSO_DUTY: Final = ("值守", "到场", "已到场", "到位", "到达", "已到达", "已经到达", "已上岗")
_PEOPLE_OF: Final = ("{}人", "{}个人", "{}名队员", "{}名保安")
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
            people = [form.format(number) for form in _PEOPLE_OF]
            forms = [one + word for one in people for word in words]
            forms += [word + one for one in people[:1] for word in words]
            forms += [form.format(number) for form in (*_BARE, *_SAID_WITH)]
            said |= dict.fromkeys(forms, f"count:{n}")
            said[_EXPECTED.format(number)] = f"expected:{n}"
    return said


_PEOPLE_HERE: Final = ("人", "个人", "名", "名队员", "名保安", "个", "位", "位同事")
_PEOPLE: Final = (*_PEOPLE_HERE, "名同志", "个队员", "个同志")
_ON_DUTY: Final = (
    "已上岗", "已经上岗", "正常上岗", "已到岗", "已经到岗", "已打卡", "打卡", "值守", "当班", "执勤",
    "备勤", "到位", "到达", "已到达", "已经到达", "到场", "已到场", "都在", "都在岗", "都在位", "都到了",
    "都到齐了", "全在", "全部在位", "全部在岗", "全部到位", "集结完毕",
)  # fmt: skip
_OF_DUTY: Final = (
    "值守", "在岗人数", "在岗人员", "值班人员", "实到", "现有", "实有", "全员", "到位", "已到达",
    "已经到达", "到达现场", "岗上有", "只有", "就我",
)  # fmt: skip
_OF_ANYBODY: Final = (
    "今天", "今日", "现在", "早班", "夜班", "晚班", "本班", "共", "一共", "总共", "我们", "我们这边",
    "这边", "加我", "来了", "到了", "到达", "人数", "人员", "队员", "值班",
)  # fmt: skip
"""What is said before any count at all: 现在三个人 may be anybody."""
_IN_FACT: Final = ("实到", "实有", "实际到")
_OUT_OF: Final = ("应到", "编制", "定员", "应有", "满编")
_OF_THEM: Final = (*_IN_FACT, "现有", "到了", "在岗", "到岗", "到")
_SAID_AFTER: Final = (
    "请指示", "完毕", "一切正常", "情况正常", "装备齐全", "装备完好", "没有异常", "无异常",
)  # fmt: skip
_US: Final = ("我们", "咱们", "我们就", "就我们")
NUMERAL_WORDS: Final = {"两": 2}
_BOTH_OF: Final = {"俩": 2, "仨": 3}


def count_search(duty_words: Iterable[str]) -> NumberSearch:
    """All numbers in the words that count people: "told" beyond doubt, "weak", "bare", "asked", "expected".

    "bare" has a routine word right behind it and no word of duty, "asked" nothing at all: it counts as an
    answer only. "expected" is how many there should be.
    """
    duty = tuple(duty_words)
    here = tuple(one + word for one in _PEOPLE_HERE for word in dict.fromkeys((*duty, *_ON_DUTY)))
    strong = tuple(dict.fromkeys((*(word for word in duty if word != "值班"), *_OF_DUTY)))
    any_of = tuple(dict.fromkeys((*strong, *_OF_ANYBODY)))
    frames = (
        Frame("told", ("",), here),
        Frame("told", any_of, here),
        Frame("told", strong, _PEOPLE),
        Frame("weak", _OF_ANYBODY, _PEOPLE),
        Frame("weak", _IN_FACT, ("",)),
        Frame("weak", _US, ("", "都在", "都到齐了", "在岗"), whole_words=True),
        Frame("bare", ("",), tuple(one + word for one in _PEOPLE_HERE[:2] for word in _SAID_AFTER)),
        Frame("asked", ("",), ("人", "个人", "名队员", "名保安")),
        Frame("expected", _OUT_OF, tuple(one + word for one in ("", "人", "个", "名") for word in _OF_THEM)),
    )
    return NumberSearch(frames, NUMERAL_WORDS, _BOTH_OF)
