"""Who of those named is speaking and who is spoken to: the call orders of radio speech, over syllables.

Marker words are found by sound, because a recogniser writes 报告 as 抱告 as readily as it garbles names. A
marker counts only where it touches a name (one stray syllable is let through), and the orders are tried from
the clearest to the weakest:

1. 我是X, 这里是X: X speaks.
2. X呼叫Y: X speaks to Y. 呼叫Y and Y,Y,X呼叫 are the same order with a part missing or moved. X报告 and X向
   before the command post speak to it.
3. X听到请回答, X请讲, X请立即…, 请X、Y立即…: X is spoken to, and Y does not speak.
4. X收到, X报告, X3人上岗, X正在前往: X speaks.
5. a name at the very start and then a pause, or right behind the command post's: X speaks, with less
   certainty; said twice, or followed by somebody who speaks: X is spoken to.

A name after 请, 在, 到 or before 旁边, 附近, 支援 is somebody else's affair and takes no part.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from gateway.understand.pinyin import SYMBOLS, Syllables, syllables

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
    "count",
]

Stance = Literal[
    "self",
    "calls",
    "answers",
    "plain",
    "opening",
    "early",
    "loose",
    "twice",
    "aside",
    "either",
    "called",
    "callee",
    "command",
]
"""How a mention stands in its call, from the surest sign that its unit speaks to none at all."""
_SPEAKS: frozenset[Stance] = frozenset({"self", "calls", "answers"})
_SPOKEN_TO: frozenset[Stance] = frozenset({"called", "twice"})

_CLAIM_SELF = 2.0
_CLAIM_CALLS = 1.5
_CLAIM_ANSWER = 0.5
_GARBLED_MARKER = 2
_NUMERALS = frozenset("0123456789一二三四五六七八九十两")
_AS_CLEAR_AS = 0.6
_WORDS_BEFORE = 6
_HAIL_WITHIN = 8
"""Syllables after a name in which a hail still calls it: X的队长在不在."""
_EARLY = 9
"""Before this syllable a call is still at who speaks to whom, however garbled the words between."""
_ORDER_JOIN = 2
_ORDER_TAIL = 6
"""Syllables between two that one order names, and after the last (及周边单元) before it is said how soon."""
_FOLD = {"zh": "z", "ch": "c", "sh": "s"}


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
        "是否听到", "在不在", "有没有收到", "有没有听到", "听没听到", "能不能听到",
    )  # fmt: skip
    order: tuple[str, ...] = (
        "请讲", "请说", "请汇报", "请报告", "请重复", "请复述", "请立即", "请马上", "请注意", "请迅速",
        "请速", "请赶", "请到", "请派", "请前往", "请继续", "请稍", "请你", "请将", "请把", "请安排",
        "请核实", "请确认", "你那", "你们", "你说", "报告在岗", "报告人数", "汇报在岗", "报告你",
    )  # fmt: skip
    answer: tuple[str, ...] = (
        "收到", "明白", "清楚", "报告", "汇报", "在岗", "在位", "到岗", "上岗", "到位", "已到", "到达",
        "正在", "已经", "出发", "值班", "一切正常", "情况正常", "请指示", "请求", "需要", "有紧急",
        "有情况", "有突发", "有人", "发生", "发现", "已打卡", "全员", "人员", "应到", "实到", "集结",
        "完毕", "派出", "赶到", "前往", "无异常", "没有异常", "可以听到", "听到了", "在的", "这边", "这里",
        "紧急", "已出", "现有", "现在", "马上", "立即", "今日", "目前", "报备", "报到", "呼号", "更正",
        "补充",
        "求助", "求援", "申请", "出现", "抵达", "返回", "归队", "值守", "换岗", "交班", "撤离", "模拟",
        "我们",
        "试机", "试音", "试话", "测试", "没听清", "没有听清", "听不清", "没听到", "没收到", "有个", "有一名",
        "有一位", "有位", "有两",
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
        "在", "到", "去", "往", "从", "离", "位于", "靠近", "送到", "前往", "赶往", "经过",
    )  # fmt: skip
    place_after: tuple[str, ...] = (
        "旁边", "附近", "对面", "隔壁", "门口", "后面", "前面", "周边", "方向", "东侧", "西侧", "南侧",
        "北侧", "东门", "西门", "南门", "北门", "支援", "增援", "协助", "过来", "门前", "楼下", "路口",
        "里面", "外面", "那边",
    )  # fmt: skip

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
                    self._by_sound.setdefault(_folded(syllables(word)), []).append(kind)
        self._longest = max(map(len, self._by_sound), default=1)

    def find(self, text: str, said: Syllables) -> tuple[Mark, ...]:
        """Every marker in `text`, overlapping ones too: which counts depends on the names around it."""
        sounds = _folded(said)
        marks: list[Mark] = []
        for start in range(len(said)):
            character = text[said.spans[start][0] : said.spans[start][1]]
            marks.extend(Mark(kind, start, start + 1) for kind in self._by_character.get(character, ()))
            for length in range(2, min(self._longest, len(said) - start) + 1):
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


def _asked_for(answer: Mark, marks: tuple[Mark, ...]) -> bool:
    """Whether an answer's word is part of asking for one: 收到请讲, 请报告 (but 报告在岗 is either)."""
    return any(
        m.end >= answer.end and (m.start < answer.start or (m.kind == "hail" and m.start == answer.start))
        for m in marks
        if m.kind in {"hail", "order"}
    )


def _folded(said: Syllables) -> tuple[str, ...]:
    out = []
    for code in said.codes.tolist():
        sound = SYMBOLS[code]
        for full, short in _FOLD.items():
            if sound.startswith(full):
                sound = short + sound[2:]
        out.append(sound.removesuffix("g") if sound.endswith("ng") else sound)
    return tuple(out)


def _counts_people(text: str, said: Syllables, start: int) -> bool:
    end = said.spans[start][1]
    while end < len(text) and text[end] in _NUMERALS:
        end += 1
    return text[end : end + 1] in {"人", "名", "个", "位", "仁", "民"}


@dataclass(frozen=True, slots=True)
class Named:
    """A stretch of syllables where somebody is named; `end` is past 最小应急单元 when that was said too.

    `who` are the likely owners of the name, `strength` is how well the best of them was heard, `suffixed`
    whether 最小应急单元 was said after it.
    """

    start: int
    end: int
    is_command: bool
    who: frozenset[str]
    strength: float
    suffixed: bool = False


@dataclass(frozen=True, slots=True)
class Parts:
    """Indexes into the mentions, None for nobody. `plain` marks a caller told only by standing first."""

    caller: int | None = None
    callee: int | None = None
    plain: bool = False


class CallOrder:
    """The markers of one text, asked about its mentions. `pauses` are syllables that follow punctuation."""

    def __init__(self, marks: tuple[Mark, ...], pauses: frozenset[int]) -> None:
        self._starts: dict[tuple[Marker, int], Mark] = {}
        self._ends: dict[tuple[Marker, int], Mark] = {}
        for mark in marks:
            if mark.kind == "answer" and _asked_for(mark, marks):
                continue
            self._starts[mark.kind, mark.start] = mark
            self._ends[mark.kind, mark.end] = mark
        self._pauses = pauses
        self._marks = marks

    def within(self, start: int, end: int) -> bool:
        """Whether a stretch of syllables runs over a call marker, which no name does but by chance."""
        return any(
            m.kind in {"self", "calls", "hail"} and m.start < end and m.end > start for m in self._marks
        )

    def pause_at(self, syllable: int) -> bool:
        """Whether there is punctuation, or the text's edge, right before this syllable."""
        return syllable in self._pauses

    def after(self, kind: Marker, end: int, slack: int = 1) -> bool:
        """Whether a marker of `kind` starts at syllable `end` or up to `slack` later."""
        return any((kind, end + extra) in self._starts for extra in range(slack + 1))

    def before(self, kind: Marker, start: int, slack: int = 0) -> bool:
        """Whether a marker of `kind` ends at syllable `start` or up to `slack` earlier."""
        return any((kind, start - extra) in self._ends for extra in range(slack + 1))

    def ordered(self, named: tuple[Named, ...]) -> frozenset[int]:
        """Those whom an order sends, 请X、Y立即赶到: the first after 请, the others right behind it."""
        sent: set[int] = set()
        for i, mention in enumerate(named):
            if mention.is_command or not self.before("third", mention.start):
                continue
            chain = [i]
            for j in range(i + 1, len(named)):
                if not 0 <= named[j].start - named[chain[-1]].end <= _ORDER_JOIN:
                    break
                chain.append(j)
            if self.after("urge", named[chain[-1]].end, slack=_ORDER_TAIL):
                sent.update(chain)
        return frozenset(sent)

    def assign(self, named: tuple[Named, ...]) -> Parts:
        """Give the mentions, in the order they were said, their parts."""
        caller, plain = self._caller(named)
        callee = self._callee(named, caller)
        if caller is not None and callee is not None and named[caller].who & named[callee].who:
            callee = None
        return Parts(caller, callee, plain)

    def opening(self, named: tuple[Named, ...]) -> int | None:
        """The unit that opens the call, or follows the post within two syllables, and is not hailed.

        For a reader that gives no punctuation and may garble the marker in between; None when there is none.
        """
        for i, mention in enumerate(named):
            after_post = (
                i > 0 and named[i - 1].is_command and mention.start - named[i - 1].end <= _GARBLED_MARKER
            )
            begins = mention.start <= 1 or after_post or self._begins_late(named, i)
            if mention.is_command or not begins or self._aside(mention) or i in self.ordered(named):
                continue
            twice = any(other.who & mention.who for j, other in enumerate(named) if j != i)
            hailed = twice or self.after("hail", mention.end) or self.after("order", mention.end)
            if not hailed and not self.before("calls", mention.start, slack=1):
                return i
        return None

    def _begins_late(self, named: tuple[Named, ...], i: int) -> bool:
        """Whether mention `i` is the first and comes after a few words and a pause, as in 演练演练, X."""
        start = named[i].start
        return i == 0 and start <= _WORDS_BEFORE and (start in self._pauses or self.before("answer", start))

    def stances(self, named: tuple[Named, ...], parts: Parts) -> tuple[Stance, ...]:
        """How each mention stands, given who is called by the clear orders in `parts`."""
        opening = self.opening(named)
        stances = [self._stance(named, i, parts, opening) for i in range(len(named))]
        speaking = [named[i] for i, stance in enumerate(stances) if stance in _SPEAKS]
        for i, mention in enumerate(named):
            heard = [one for one in speaking if one.strength >= _AS_CLEAR_AS * mention.strength]
            if stances[i] in _SPOKEN_TO and heard and not any(mention.who & one.who for one in heard):
                stances[i] = "callee"
        return tuple(stances)

    def _stance(  # noqa: PLR0911 - one return for each stance
        self, named: tuple[Named, ...], i: int, parts: Parts, opening: int | None
    ) -> Stance:
        mention = named[i]
        if mention.is_command and i != parts.caller:
            return "command"
        if self.before("self", mention.start, slack=1):
            return "self"
        called = i == parts.callee or self.before("calls", mention.start, slack=1)
        if i in self.ordered(named):
            return "callee"
        if self.after("calls", mention.end) and not called and not self._aside(mention):
            return "calls"
        answers = self.after("answer", mention.end) or self.after("count", mention.end)
        if called or self.after("hail", mention.end) or self.after("order", mention.end, slack=0):
            return "either" if answers else "called"
        if self._answers(named, i, mention):
            return "answers"
        return self._unmarked(named, i, opening)

    def _unmarked(self, named: tuple[Named, ...], i: int, opening: int | None) -> Stance:
        """How a mention stands that no marker touches."""
        mention = named[i]
        if self._aside(mention):
            return "aside"
        posts = any(other.is_command for other in named)
        if not posts and self.after("hail", mention.end, slack=_HAIL_WITHIN):
            return "called"
        if any(other.who & mention.who for j, other in enumerate(named) if j != i):
            return "twice"
        if self._stands_first(named, i) and self._tells_plainly(named, i, mention):
            return "plain"
        if i == opening or mention.suffixed:
            return "opening"
        return "early" if _early(named, i) else "loose"

    def _caller(self, named: tuple[Named, ...]) -> tuple[int | None, bool]:
        claimed = ((i, self._claim(named, i, mention)) for i, mention in enumerate(named))
        claims = {i: named[i].strength + claim for i, claim in claimed if claim}
        if claims:
            return max(claims, key=lambda i: (claims[i], -i)), False
        for i, mention in enumerate(named):
            if self._stands_first(named, i) and self._tells_plainly(named, i, mention):
                return i, True
        return None, False

    def _claim(self, named: tuple[Named, ...], i: int, mention: Named) -> float:
        """How clearly order says that this mention speaks, in gains; 0 when it does not.

        Not a strict precedence: 这边市场 sounds like 这边是, and what stands behind it by chance must not
        beat a name that was heard well.
        """
        if self.before("self", mention.start, slack=1):
            return _CLAIM_SELF
        if self.after("calls", mention.end) and not self._aside(mention):
            return _CLAIM_CALLS
        return _CLAIM_ANSWER if self._answers(named, i, mention) else 0.0

    def _answers(self, named: tuple[Named, ...], i: int, mention: Named) -> bool:
        if self._aside(mention) or i in self.ordered(named):
            return False
        if self.after("hail", mention.end) or self.after("order", mention.end, slack=0):
            return False
        if self.before("calls", mention.start, slack=1):
            return False
        answers = self.after("answer", mention.end) or self.after("count", mention.end)
        if not answers:
            return False
        if mention.is_command:
            return mention.end not in self._pauses and self._speaks_as_post(mention)
        return self._opens(named, i)

    def _speaks_as_post(self, mention: Named) -> bool:
        return self.after("answer", mention.end, slack=0) and any(m.kind == "post" for m in self._marks)

    def _opens(self, named: tuple[Named, ...], i: int) -> bool:
        """Whether mention `i` begins what is said: first, after a pause, or after those it addresses."""
        start = named[i].start
        if start <= 1 or start in self._pauses or self.before("answer", start):
            return True
        if i == 0 and start <= _WORDS_BEFORE and self.after("answer", named[i].end, slack=0):
            return True
        return i > 0 and start - named[i - 1].end <= 1

    def _stands_first(self, named: tuple[Named, ...], i: int) -> bool:
        return named[i].start <= 1 or (
            i > 0 and named[i - 1].is_command and named[i].start - named[i - 1].end <= 1
        )

    def _tells_plainly(self, named: tuple[Named, ...], i: int, mention: Named) -> bool:
        if mention.is_command or self._aside(mention) or i in self.ordered(named):
            return False
        if self.after("hail", mention.end) or self.after("order", mention.end):
            return False
        if any(other.who & mention.who for j, other in enumerate(named) if j != i):
            return False
        if any(self.before("third", other.start) for other in named):
            return False
        return mention.end in self._pauses or (i > 0 and named[i - 1].start == 0)

    def _aside(self, mention: Named) -> bool:
        return (
            (self.after("place_after", mention.end, slack=0) and mention.end not in self._pauses)
            or self.before("place_before", mention.start)
            or self.before("third", mention.start)
        )

    def _callee(self, named: tuple[Named, ...], caller: int | None) -> int | None:
        speaks = named[caller].who if caller is not None else frozenset()
        others = [i for i, mention in enumerate(named) if i != caller and not mention.who & speaks]
        ordered = self.ordered(named)
        orders: tuple[Callable[[int], bool], ...] = (
            lambda i: self.before("calls", named[i].start, slack=1),
            lambda i: self.after("hail", named[i].end) or self.after("order", named[i].end, slack=0),
            lambda i: i in ordered,
            lambda i: named[i].is_command and self.before("tells", named[i].start),
            lambda i: named[i].start <= 1 and self._addressed(named, i, caller),
        )
        return next((i for spoken_to in orders for i in others if spoken_to(i)), None)

    def _addressed(self, named: tuple[Named, ...], i: int, caller: int | None) -> bool:
        if self._aside(named[i]):
            return False
        twice = any(named[j].who & named[i].who for j in range(len(named)) if j != i)
        return named[i].is_command or twice or (caller is not None and caller > i)


def _early(named: tuple[Named, ...], i: int) -> bool:
    return named[i].start <= _EARLY and all(other.is_command for other in named[:i])
