"""How many people are on duty, as reported; never how many are hurt or fighting."""

import re
from typing import Final

from gateway.model import Headcount
from gateway.understand.lexicon import Lexicon
from gateway.understand.lexicon_rules import NUMBER
from gateway.understand.location import MASK
from gateway.understand.match import Kind
from gateway.understand.pinyin import syllables, symbol_costs
from gateway.understand.reading import Reading

MOST_PLAUSIBLE: Final = 99
"""A minimum emergency unit has a handful of people; more than this is a misreading."""
_DIGITS: Final = {c: n for n, c in enumerate("零一二三四五六七八九")} | {"两": 2, "俩": 2, "仨": 3}
_PLACES: Final = {"十": 10, "百": 100}
_SOUND_OF_DIGIT: Final = {
    char: digit
    for digit, chars in {
        2: "亮量辆梁", 3: "山伞散", 4: "丝思寺死司", 5: "武物午无吴务", 6: "留溜刘流", 7: "起妻期气齐",
        8: "吧把爸", 9: "酒久就救旧",
    }.items()
    for char in chars
}  # fmt: skip
_COUNTED: Final = re.compile(rf"(?P<n>{NUMBER})(?P<unit>个人|名队员|名保安|人|名|位)")
_BARE_COUNT: Final = re.compile(rf"(?<![0-9号第])(?P<n>{NUMBER})(?:个人|名队员|名保安|人|名)(?![0-9])")
_PAIR: Final = re.compile(r"(?P<n>[俩仨])(?:个)?(?:人|队员|保安|都|全|在)")
_PAIR_VALUES: Final = {"俩": 2, "仨": 3}
_JUST_ME: Final = re.compile(r"(?:就|只有|只剩|仅)(?:我|他)?(?:[1一])个(?:人)?(?![0-9])|就我自己")
_PEOPLE: Final = "(?:个人|人|名|个|位|员)"
_OUGHT: Final = "(?:编制|应有|应到|应该到|应该有?|定员|满编|满额|在编|全员|总共|一共)(?:是|有|为|共)?"
_THERE: Final = (
    "(?:现有|实有|实到|实际到|实际|现在|在岗|在位|到岗|到位|来了|到了|站好了|上岗|到|在)(?:有|的有)?"
)
_COUNTING: Final = (
    "(?:人数|人员|值勤|执勤|值班|现岗|夜岗|人手|力量|岗上|留守|上班了?|换班了?|顶班|当班|签到|报到|报数|报岗|报备|回答|回复|接岗|在店|岗)"
    "(?:一共|总共|共|有|是|为)?"
)
_AT_POST: Final = (
    "(?:员工|店员|商户|队员|保安|安保|同事)?(?:都|全|已经|已|就)?"
    "(?:到齐|来齐|齐|签到|报到|上班|顶班|值班|值守|待命|在店|在场|在这|着装|全部|到|在|一切|平安|正常|装备|没情况|听得)"
)
_OF_THOSE_EXPECTED: Final = tuple(
    re.compile(pattern)
    for pattern in (
        rf"{_OUGHT}(?P<expected>{NUMBER}){_PEOPLE}?[,.;]?(?:今天|目前|现在|只)?{_THERE}(?P<actual>{NUMBER})(?![0-9号栋楼层])",
        rf"(?P<actual>{NUMBER}){_PEOPLE}?(?:上岗|在岗|到岗|安保|在|到)?[,.;]?(?:其中)?{_OUGHT}(?P<expected>{NUMBER})(?![0-9号栋楼层])",
        rf"(?P<actual>{NUMBER}){_PEOPLE}?(?:上岗|在岗|到岗|安保|在|到)?[,.;](?P<expected>{NUMBER})个?编",
        rf"(?P<expected>{NUMBER}){_PEOPLE}(?:编制|编|的班|队员|里面|里|中)[,]?{_THERE}?(?P<actual>{NUMBER})(?:{_PEOPLE}|[,.]|$)",
    )
)
"""How many of how many."""
_OF_DUTY: Final = tuple(
    re.compile(pattern)
    for pattern in (
        rf"(?P<expected>{NUMBER}){_PEOPLE}(?:编制|编|的班|队员|里面|里|中)?[,]?{_THERE}(?P<n>{NUMBER})(?:{_PEOPLE}|[,.]|$)",
        rf"(?:加我|连我|算我|包括我)(?:在内)?[,]?(?:一共|总共|共)?(?P<n>{NUMBER})[个人名位]",
        rf"(?:[早中晚夜白本当]班|今天|今晚|今日|今儿|昨晚|现在|目前)(?:一共|总共|共)?(?:来了|到了|有|是|人手|力量)?(?P<n>{NUMBER}){_PEOPLE}(?!小时|月|星期)",
        rf"(?:现有|实有|实到|全员|全队|一共|总共|共计|合计|人数|人员|值勤|执勤)(?:是|为|有)?(?P<n>{NUMBER})(?:{_PEOPLE}|[,.]|$)",
        rf"(?P<n>{NUMBER})(?:个人|个|名|位|人)?(?:同事|同志|队员|保安|弟兄|兄弟)?(?:都|全|全部|均)(?:已)?(?:在|到|齐)",
        rf"(?:派出|派来|派去|支援|增援)的?(?:力量|队员|人员)?(?P<n>{NUMBER}){_PEOPLE}(?:已|都|全|到|赶)",
        rf"(?:[在到上][岗港]|当班|值班|值守)(?:保安|安保|队员|人员|同事|员工|店员)(?P<n>{NUMBER}){_PEOPLE}",
        rf"{_COUNTING}[,:]?(?P<n>{NUMBER})(?:{_PEOPLE}|[,.]|$)",
        rf"(?P<n>{NUMBER}){_PEOPLE}{_AT_POST}",
        rf"{MASK}(?:这边|这里|这|到|在的?|有|收到|听到|好|就|来了|早|回答|回复|试机|[,.])*(?P<n>{NUMBER}){_PEOPLE}(?=[,.]|$|都|全)",
        rf"(?:^|[,.])(?P<n>{NUMBER}){_PEOPLE}(?=[,.]|$)",
        r"(?:我们|咱们|咱|这边|就我们|今天)(?P<n>[俩仨])",
    )
)
"""Counts said of one's own people by who answers; anywhere else they may be anybody's."""
_DUTY_BUDGET: Final = 0.12
_HURT_WITHIN_CHARS: Final = 3


def to_int(number: str) -> int | None:
    """The value of a count in digits or in characters up to 999; None when it is not one."""
    if number.isascii():
        return int(number) if number.isdigit() else None
    value, pending = 0, None
    for char in number:
        if char in _PLACES:
            if pending is None and value:
                return None
            value += (1 if pending is None else pending) * _PLACES[char]
            pending = None
        elif char in _DIGITS:
            if pending:
                return None
            pending = _DIGITS[char]
        else:
            return None
    return value + (pending or 0)


def read_as(number: int, text: str) -> bool:
    """Whether `text` has this very number of people anywhere."""
    return any(to_int(match["n"]) == number for match in _COUNTED.finditer(text))


def read_headcount(
    reading: Reading, lexicon: Lexicon, *, asked: bool, reports_incident: bool
) -> tuple[Headcount, tuple[str, ...]]:
    """The head count in a call and the reasons to doubt it.

    `asked` when the command post has just asked for it: then a bare count answers. A count in a call that
    `reports_incident` needs a word of duty beside it.
    """
    text = reading.masked
    for pattern in (*_OF_THOSE_EXPECTED, *lexicon.headcounts):
        for match in pattern.finditer(text):
            groups = match.groupdict()
            if "expected" in groups:
                return _checked(to_int(groups["actual"]), to_int(groups["expected"]))
            if not _harmed(reading, match.end()):
                return _checked(to_int(groups["n"]), None)
    spoken = _beside_duty_word(text, lexicon)
    if spoken or reports_incident:
        return spoken or (Headcount(), ())
    own = _of_own_people(reading)
    if own[0] != Headcount() or own[1] or not (asked or _on_duty(reading)):
        return own
    return _bare(reading)


def _of_own_people(reading: Reading) -> tuple[Headcount, tuple[str, ...]]:
    """A count of whoever names themselves and tells of no incident at all."""
    if MASK not in reading.masked or any(hit.codes(Kind.INCIDENT) for hit, _ in reading.hits):
        return Headcount(), ()
    for pattern in _OF_DUTY:
        if match := pattern.search(reading.masked):
            expected = match.groupdict().get("expected")
            return _checked(to_int(match["n"]), to_int(expected) if expected else None)
    return _checked(1, None) if _alone(reading) else (Headcount(), ())


def _alone(reading: Reading) -> bool:
    return _JUST_ME.search(reading.masked) is not None


def _bare(reading: Reading) -> tuple[Headcount, tuple[str, ...]]:
    """A count without a word of duty, where only a count can be meant."""
    if _alone(reading):
        return _checked(1, None)
    if pair := _PAIR.search(reading.masked):
        return _checked(_PAIR_VALUES[pair["n"]], None)
    bare = _BARE_COUNT.search(reading.masked)
    if bare and not _harmed(reading, bare.end()):
        return _checked(to_int(bare["n"]), None)
    return Headcount(), ()


def _on_duty(reading: Reading) -> bool:
    return bool(reading.acts() & {"present", "all_normal", "equipment", "ready", "arrived"})


def _harmed(reading: Reading, at: int) -> bool:
    """Whether what follows a count says that these people are hurt, fighting or trapped."""
    return any(0 <= h.start - at <= _HURT_WITHIN_CHARS for h in reading.stated(Kind.INCIDENT))


def _beside_duty_word(text: str, lexicon: Lexicon) -> tuple[Headcount, tuple[str, ...]] | None:
    """A count whose duty word the recogniser misspelt (3人宰岗), or whose digit it did (山人在岗)."""
    for match in _COUNTED.finditer(text):
        if _sounds_like_duty(text[match.end() : match.end() + 2], lexicon):
            headcount, doubts = _checked(to_int(match["n"]), None)
            return headcount, (*doubts, "headcount_by_sound")
    for word in lexicon.duty_words:
        at = text.find("人" + word)
        if at > 0 and (value := _SOUND_OF_DIGIT.get(text[at - 1])):
            return Headcount(present=value), ("headcount_by_sound",)
    return None


def _sounds_like_duty(heard: str, lexicon: Lexicon) -> bool:
    spoken = syllables(heard)
    if len(spoken) != 2:  # noqa: PLR2004
        return False
    for word in lexicon.duty_words:
        meant = syllables(word)
        if len(meant) != len(spoken):
            continue
        if float(symbol_costs()[spoken.codes, meant.codes].sum()) <= _DUTY_BUDGET:
            return True
    return False


def _checked(present: int | None, expected: int | None) -> tuple[Headcount, tuple[str, ...]]:
    if present is None or present > MOST_PLAUSIBLE or (expected or 0) > MOST_PLAUSIBLE:
        return Headcount(), ("headcount_implausible",)
    if expected is not None and present > expected:
        return Headcount(present, expected), ("headcount_above_expected",)
    return Headcount(present, expected), ()
