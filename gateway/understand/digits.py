"""Numbers as they are spoken on the air, written as digits.

Speakers mix three systems: the radio digits 洞幺两拐勾, the plain 零一二…九, and positional 十百千万.
Every numeral character is also part of ordinary words (一切, 洞口, 万达, 十分), so a numeral is rewritten
only when its surroundings say that it counts or labels something:

- a run of two or more digit words is a digit string: 幺幺洞 is 110, 五零二 is 502;
- 十百千万 after a digit make the run positional: 三十五 is 35, 一百零三 is 103, 一百二 is 120;
- one numeral counts before a measure word or a place suffix: 两人 is 2人, 六号楼 is 6号楼;
- neighbouring digits before a measure word are a guess (五六个人 is five or six) and stay;
- what follows 第 or 周 is a name and stays, and so do the words listed here.
"""

import re

RADIO_DIGITS = {"洞": "0", "幺": "1", "两": "2", "拐": "7", "勾": "9"}
"""Digit words that are used only on the air, because 1 and 7, 0 and 6, 6 and 9 sound alike in noise."""

PLAIN_DIGITS = {
    "零": "0",
    "〇": "0",
    "一": "1",
    "二": "2",
    "三": "3",
    "四": "4",
    "五": "5",
    "六": "6",
    "七": "7",
    "八": "8",
    "九": "9",
}

_VALUE = {**PLAIN_DIGITS, **RADIO_DIGITS, **{str(n): str(n) for n in range(10)}}
_PLACE = {"十": 10, "百": 100, "千": 1000, "万": 10000}
_NUMERAL = "".join(_VALUE) + "".join(_PLACE)
_NUMERALS = frozenset(_NUMERAL)
_SPOKEN = "".join(PLAIN_DIGITS) + "".join(RADIO_DIGITS)

_NAMED_AFTER_A_DAY = (
    "路|街|大道|大街|广场|公园|小学|中学|学校|幼儿园|村|新村|小区|花园|社区|商场|市场|酒店|节|妇|礼堂|大桥"
)
_ORDINARY = "|".join(
    (
        # 一 opening a word
        "一(?:切|起|下|定|直|样|般|些|点|边|带|旦|面|时|律|致|共|同|会|遍|次|度|路|行|向|旁|早|再|线|片|场|股|阵|家|方|台|辆)",
        "一个(?!人)|十万火急",
        "一一(?=[对核登排检介说汇])",
        "[统唯万单其之逐同任某专]一",
        # fixed phrases that hold two numerals side by side
        f"(?<![{_NUMERAL}])(?:三三两两|两两|三五成群|乱七八糟|一五一十|八九不离十|九死一生)(?![{_NUMERAL}])",
        # days and ordinals are names, not amounts
        f"(?:周|星期|礼拜)[一二三四五六日]|初[一二三]|第[{_NUMERAL}]+",
        f"(?:五一|八一|五四|六一|二七|七一|五七|三八|九一八|一二九)(?={_NAMED_AFTER_A_DAY})",
        # radio digits in their everyday sense
        "[山桥涵门窑孔漏地黑空树挖钻打]洞|洞(?=[口穴里内外中庭悉察])",
        "[左右东南西北被诱往前]拐|拐(?=[角弯卖骗走杖点]|一下|一个|[两三]个|[0-9]个|过|进|到|入)",
        "[挂弯]勾|勾(?=[结引当住画勒])|幺(?=蛾)",
        # place values that open a word
        f"(?<![{_NUMERAL}])(?:十分(?!钟)|千万(?![人元块]))",
        "百(?=[货佳姓乐花合脑般])|千(?=[金禧耀里秋])|万(?=[达科象和国豪佳福向松胜圣])",
    )
)
_MEASURE = (
    "(?:人(?!民|员|才|行道)|名|个|位|岁|辆|台|米|公里|分钟|小时"
    "|号|楼|栋|幢|座|层|单元|室|房间|区|期|组|队|岗)"
)
_GUESS = frozenset({"一两", "一二", "两三", "二三", "三四", "三五", "四五", "五六", "六七", "七八", "八九"})
_GUESS_AFTER = re.compile("(?:人|名|个|位|辆|台|米|公里|分钟|小时|岁|层|次|天|只|条|把)")
_TWO_OF = re.compile("[辆台个名位伙帮拨群条只家口件]")
_SHORTEST_NUMBER = 2
_RADIO_SINGLE_AFTER = re.compile("(?:号楼|号门|号岗|栋|单元)")

_TOKEN = re.compile(f"(?P<word>{_ORDINARY})|(?P<run>(?:(?!{_ORDINARY})[{_NUMERAL}])+)")
_MEASURE_AFTER = re.compile(_MEASURE)
_VAGUE_BEFORE = frozenset("几数好0123456789" + _SPOKEN + "".join(_PLACE))


def digits_from_speech(text: str) -> str:
    """Rewrite spoken numbers in simplified `text` as digits, leaving ordinary words alone."""
    if _NUMERALS.isdisjoint(text):
        return text
    return _TOKEN.sub(_rewrite, text)


def _rewrite(match: re.Match[str]) -> str:
    run = match["run"]
    if run is None or run.isascii():
        return match[0]
    before, after = match.string[: match.start()], match.end()
    if len(run) == 1:
        return _single(run, before, match.string, after)
    if any(c in _PLACE for c in run):
        value = _positional(run)
        return run if value is None or before.endswith(("几", "数")) else str(value)
    if run in _GUESS and _GUESS_AFTER.match(match.string, after):
        return run
    if sum(c in _SPOKEN for c in run) == 1 and run[-1] in PLAIN_DIGITS:
        return run  # "B1一人": the last numeral may count what follows, joining would invent a number
    # 六零二两辆车: a room, and then two cars
    counts = len(run) > _SHORTEST_NUMBER and run[-1] == "两" and _TWO_OF.match(match.string, after)
    number = run[:-1] if counts else run
    return "".join(_VALUE[c] for c in number) + run[len(number) :]


def _single(numeral: str, before: str, text: str, after: int) -> str:
    if before and before[-1] in _VAGUE_BEFORE:
        return numeral
    if numeral in RADIO_DIGITS and numeral != "两":
        return RADIO_DIGITS[numeral] if _RADIO_SINGLE_AFTER.match(text, after) else numeral
    if not _MEASURE_AFTER.match(text, after):
        return numeral
    if numeral == "十":
        return "10"
    return _VALUE.get(numeral, numeral)


def _positional(run: str) -> int | None:
    """The value of a numeral with 十百千万, or None when `run` is not one well-formed numeral (三四十)."""
    total = section = 0
    pending: int | None = None
    last_place = 10 * _PLACE["万"]
    seen_zero = False
    for i, char in enumerate(run):
        if char in _PLACE:
            place = _PLACE[char]
            if pending is None and (char != "十" or i != 0):
                return None
            if place >= last_place:
                return None
            section += (1 if pending is None else pending) * place
            last_place, pending, seen_zero = place, None, False
        elif _VALUE[char] == "0":
            if pending is not None or seen_zero:
                return None
            seen_zero = True
        else:
            if pending is not None:
                return None
            pending = int(_VALUE[char])
    if pending is not None:
        colloquial = last_place >= _PLACE["百"] and not seen_zero
        section += pending * (last_place // 10 if colloquial else 1)
    elif seen_zero:
        return None
    total += section
    return total
