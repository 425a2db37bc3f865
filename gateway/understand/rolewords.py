"""The words that give names their part in a call, and where they stand in a text. Pure.

A recogniser writes 报告 as 抱告 as readily as it garbles names, so words are found by their folded syllables
(zh as z, -ng as -n); those of a single syllable need their very character, but for 叫 and 喊.
"""

from dataclasses import dataclass
from typing import Literal

from gateway.understand.pinyin import Syllables, folded, syllables

Marker = Literal[
    "self",
    "calls",
    "tells",
    "hail",
    "order",
    "answer",
    "post",
    "third",
    "urge",
    "place_before",
    "place_after",
    "vicinity",
    "bygone",
    "count",
    "shouts",
    "greets",
    "ours",
    "bearer",
]

_NUMERALS = frozenset("0123456789一二三四五六七八九十两")
_SHOUTS: tuple[str, ...] = ("叫", "喊")


@dataclass(frozen=True, slots=True)
class RoleWords:
    """The words that give names their part in a call; a station may add its own."""

    self_is: tuple[str, ...] = (
        "我是", "这里是", "这是", "我方是", "我们是", "我这里是", "这边是", "我单位是",
    )  # fmt: skip
    calls: tuple[str, ...] = (
        "呼叫", "呼唤",
    )  # fmt: skip
    tells: tuple[str, ...] = (
        "报告", "汇报", "通报", "求助", "求援", "向",
    )  # fmt: skip
    hail: tuple[str, ...] = (
        "听到请回答", "收到请回答", "听到请回话", "收到请回话", "听到请讲", "收到请讲", "听到回答",
        "收到回答", "请回答", "请回话", "请应答", "听到没有", "能听到吗", "能否听到", "是否收到",
        "收到请报告", "听到请报告", "收到请汇报", "听到请汇报",
        "是否听到", "在不在", "有没有收到", "有没有听到", "听没听到", "能不能听到",
    )  # fmt: skip
    order: tuple[str, ...] = (
        "请讲", "请说", "请汇报", "请报告", "请重复", "请复述", "请立即", "请马上", "请注意", "请迅速",
        "请速", "请赶", "请到", "请派", "请前往", "请继续", "请稍", "请你", "请将", "请把", "请安排",
        "请核实", "请确认", "你那", "你们", "你说", "报告在岗", "报告人数", "汇报在岗", "报告你",
    )  # fmt: skip
    answer: tuple[str, ...] = (
        "收到", "明白", "清楚", "报告", "汇报", "在岗", "在位", "到岗", "上岗", "到位", "已到", "到达",
        "正在", "已经", "出发", "值班", "一切正常", "情况正常", "请指示", "请求", "需要", "有紧急", "上报",
        "报一下", "有警情", "有险情", "有情况", "有突发", "有人", "发生", "发现", "已打卡", "全员", "人员",
        "应到", "实到", "集结", "完毕", "派出", "赶到", "前往", "无异常", "没有异常", "可以听到", "听到了",
        "在的", "这边", "这里", "紧急", "已出", "现有", "现在", "马上", "立即", "今日", "目前", "报备",
        "报到", "呼号", "更正", "补充", "求助", "求援", "申请", "出现", "抵达", "返回", "归队", "值守",
        "换岗", "交班", "撤离", "模拟", "我们", "试机", "试音", "试话", "测试", "没听清", "没有听清",
        "听不清", "没听到", "没收到", "有个", "有一名", "有一位", "有位", "有两",
    )  # fmt: skip
    third: tuple[str, ...] = (
        "请", "让", "派", "通知", "联系", "需要", "请求", "协调", "转告", "叫",
    )  # fmt: skip
    post: tuple[str, ...] = (
        "请讲", "请说", "请汇报", "请报告", "请重复", "请复述", "请继续", "请稍", "请注意", "马上安排",
        "你说",
    )  # fmt: skip
    urge: tuple[str, ...] = (
        "立即",
        "马上",
        "迅速",
        "火速",
        "赶快",
        "赶紧",
        "赶到",
        "前往",
        "赶往",
        "尽快",
        "立刻",
    )
    place_before: tuple[str, ...] = (
        "在", "到", "去", "往", "从", "离", "过", "位于", "路过", "靠近", "送到", "前往", "赶往", "经过",
    )  # fmt: skip
    place_after: tuple[str, ...] = (
        "方向", "支援", "增援", "协助", "过来", "路口", "那边",
    )  # fmt: skip
    vicinity: tuple[str, ...] = (
        "门口", "东门", "西门", "南门", "北门", "东侧", "西侧", "南侧", "北侧", "门前", "楼下", "里面",
        "外面", "旁边", "附近", "对面", "隔壁", "后面", "前面", "周边",
    )  # fmt: skip
    """Places that are a unit's own as readily as somebody's in passing."""
    bygone: tuple[str, ...] = (
        "上个月", "上个星期", "上周", "上次", "上回", "那次", "那回", "去年", "前年", "前阵子", "前段时间",
    )  # fmt: skip
    """Who is named before these is talked about, unless the post was called first."""
    greets: tuple[str, ...] = (
        "早上好", "上午好", "中午好", "下午好", "晚上好", "你好", "您好", "领导好", "辛苦了",
    )  # fmt: skip
    ours: tuple[str, ...] = (
        "我们", "咱们", "我们这", "我这边", "我们这边", "我这里", "我们这里", "我这儿",
    )  # fmt: skip
    bearer: tuple[str, ...] = (
        "门卫", "保安", "前台", "门岗", "值班员", "店长", "经理", "物业", "负责人", "安保", "保安队",
        "的门卫", "的保安", "的值班员", "的店长", "的负责人", "的保安员", "的队员", "的前台",
        "的经理", "的安保", "的物业", "的值班人员", "的工作人员",
    )  # fmt: skip
    """Who speaks for a unit, said right behind its name."""

    def by_kind(self) -> tuple[tuple[Marker, tuple[str, ...]], ...]:
        """The words by what they mark."""
        return (
            ("self", self.self_is),
            ("calls", self.calls),
            ("tells", self.tells),
            ("hail", self.hail),
            ("order", self.order),
            ("answer", self.answer),
            ("post", self.post),
            ("third", self.third),
            ("urge", self.urge),
            ("place_before", self.place_before),
            ("place_after", self.place_after),
            ("vicinity", self.vicinity),
            ("bygone", self.bygone),
            ("greets", self.greets),
            ("ours", self.ours),
            ("bearer", self.bearer),
        )


@dataclass(frozen=True, slots=True)
class Mark:
    """A marker word at syllables `start` to `end` (exclusive)."""

    kind: Marker
    start: int
    end: int


class MarkerFinder:
    """Finds role words in a text by folded syllables; single-syllable words need their very character."""

    def __init__(self, words: RoleWords) -> None:
        self._by_sound: dict[tuple[str, ...], list[Marker]] = {}
        self._by_character: dict[str, list[Marker]] = {}
        for kind, listed in words.by_kind():
            for word in listed:
                if len(word) == 1:
                    self._by_character.setdefault(word, []).append(kind)
                else:
                    self._by_sound.setdefault(folded(syllables(word)), []).append(kind)
        for word in _SHOUTS:
            self._by_sound.setdefault(folded(syllables(word)), []).append("shouts")
        self._longest = max(map(len, self._by_sound), default=1)

    def find(self, text: str, said: Syllables) -> tuple[Mark, ...]:
        """Every marker in `text`, overlapping ones too: which counts depends on the names around it."""
        sounds = folded(said)
        marks: list[Mark] = []
        for start in range(len(said)):
            character = text[said.spans[start][0] : said.spans[start][1]]
            marks.extend(Mark(kind, start, start + 1) for kind in self._by_character.get(character, ()))
            for length in range(1, min(self._longest, len(said) - start) + 1):
                kinds = self._by_sound.get(sounds[start : start + length], ())
                marks.extend(Mark(kind, start, start + length) for kind in kinds)
            if character in _NUMERALS and _counts_people(text, said, start):
                marks.append(Mark("count", start, start + 1))
        return tuple(mark for mark in marks if not _inside_longer(mark, marks))


def _inside_longer(mark: Mark, marks: list[Mark]) -> bool:
    """Whether a single character is part of a word: the 到 of 收到 says nothing about places."""
    if mark.end - mark.start > 1 or mark.kind == "count":
        return False
    return any(m.start <= mark.start and mark.end <= m.end and m.end - m.start > 1 for m in marks)


def _counts_people(text: str, said: Syllables, start: int) -> bool:
    end = said.spans[start][1]
    while end < len(text) and text[end] in _NUMERALS:
        end += 1
    return text[end : end + 1] in {"人", "名", "个", "位", "仁", "民"}
