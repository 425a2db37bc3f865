"""Who of those named is speaking and who is spoken to: the call orders of radio speech, over syllables.

Marker words are found by sound, because a recogniser writes 报告 as 抱告 as readily as it garbles names. A
marker counts only where it touches a name (one stray syllable is let through), and the orders are tried from
the clearest to the weakest:

1. 我是X, 这里是X: X speaks.
2. X呼叫Y: X speaks to Y. 呼叫Y and Y,Y,X呼叫 are the same order with a part missing or moved. X报告 and X向
   before the command post speak to it.
3. X听到请回答, X请讲, X请立即…, 请X、Y立即…: X is spoken to, and Y does not speak. Behind the post's name
   X听到请回答 hails the post.
4. X收到, X报告, X3人上岗, X正在前往: X speaks.
   X叫 and X喊 before the post are the same as X呼叫.
5. a name at the very start and then a pause, or right behind the command post's: X speaks, with less
   certainty; said twice, or followed by somebody who speaks: X is spoken to. So does the only one named in a
   call that begins with the post, wherever in it.

A name after 请, 在, 到 or before 支援, 那边 is somebody else's affair and takes no part; so is one before
东门, 附近 or 上个月, unless it stands behind the post's, has its 最小应急单元 or is a number: then the place
is its own. A greeting belongs to the name that it greets, and 门卫 or 的 to the unit that it speaks for.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

from gateway.understand.rolewords import Mark, Marker

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
_AS_CLEAR_AS = 0.6
_WORDS_BEFORE = 6
_HAIL_WITHIN = 8
"""Syllables after a name in which a hail still calls it: X的队长在不在."""
_EARLY = 9
"""Before this syllable a call is still at who speaks to whom, however garbled the words between."""
_ORDER_JOIN = 2
_ORDER_TAIL = 6
"""Syllables between two that one order names, and after the last (及周边单元) before it is said how soon."""


def _asked_for(answer: Mark, marks: tuple[Mark, ...]) -> bool:
    """Whether an answer's word is part of asking for one: 收到请讲, 请报告 (but 报告在岗 is either)."""
    return any(
        m.end >= answer.end and (m.start < answer.start or (m.kind == "hail" and m.start == answer.start))
        for m in marks
        if m.kind in {"hail", "order"}
    )


@dataclass(frozen=True, slots=True)
class Named:
    """A stretch of syllables where somebody is named; `end` is past 最小应急单元 when that was said too.

    `who` are the likely owners of the name, `strength` is how well the best of them was heard, `suffixed`
    whether 最小应急单元 was said after it, `numbered` whether it was named by a callsign. The
    last three are filled in by `CallOrder.named`.
    """

    start: int
    end: int
    is_command: bool
    who: frozenset[str]
    strength: float
    suffixed: bool = False
    numbered: bool = False
    behind_post: bool = False
    calls_next: bool = False
    called_by_last: bool = False


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
        greeting = next((m for m in marks if m.kind == "greets" and m.start == 0), None)
        self._begins = greeting.end if greeting else 0

    def within(self, start: int, end: int) -> bool:
        """Whether a stretch of syllables runs over a call marker, which no name does but by chance."""
        return any(
            m.kind in {"self", "calls", "hail"} and m.start < end and m.end > start for m in self._marks
        )

    def covers(self, start: int, end: int) -> bool:
        """Whether a marker of two syllables or more was heard on the very same syllables."""
        return any(m.start <= start and end <= m.end and m.end - m.start > 1 for m in self._marks)

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

    def named(self, mentions: Iterable[Named]) -> tuple[Named, ...]:
        """`mentions`, in the order they were said, with what belongs to each and how neighbours stand."""
        named = [replace(one, end=self._belongs_until(one)) for one in mentions]
        for i, (one, other) in enumerate(pairwise(named)):
            if self._shouted(one, other):
                named[i] = replace(named[i], calls_next=True)
                named[i + 1] = replace(other, called_by_last=True)
            if one.is_command and other.start - one.end <= 1 and not self._is_self(one):
                named[i + 1] = replace(named[i + 1], behind_post=True)
        return tuple(named)

    def _belongs_until(self, one: Named) -> int:
        """The end of `one` with its greeting, or with who speaks for it."""
        if one.is_command:
            mark = self._starts.get(("greets", one.end))
        else:
            mark = None if one.end in self._pauses else self._starts.get(("bearer", one.end))
        return mark.end if mark else one.end

    def _shouted(self, one: Named, other: Named) -> bool:
        """Whether `one` calls `other` by 叫 or 喊: too short to be told but between a unit and the post."""
        mark = self._starts.get(("shouts", one.end))
        between = (
            mark is not None and mark.end == other.start and self._pauses.isdisjoint((mark.start, mark.end))
        )
        return between and one.is_command != other.is_command

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
            begins = self._at_start(mention) or after_post or self._begins_late(named, i)
            if mention.is_command or not begins or self._aside(mention) or i in self.ordered(named):
                continue
            twice = any(other.who & mention.who for j, other in enumerate(named) if j != i)
            hailed = twice or self._hailed(mention) or self.after("order", mention.end)
            if not hailed and not self._called(mention):
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
        if self._is_self(mention):
            return "self"
        called = i == parts.callee or self._called(mention)
        if i in self.ordered(named):
            return "callee"
        if self._calls(mention) and not called and not self._aside(mention):
            return "calls"
        answers = self.after("answer", mention.end) or self.after("count", mention.end)
        if called or self._hailed(mention) or self.after("order", mention.end, slack=0):
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
        if i == opening or mention.suffixed or self._signs_off(named, i):
            return "opening"
        return "early" if _early(named, i) else "loose"

    def _hailed(self, mention: Named) -> bool:
        """Whether a hail behind a name calls it; in 指挥中心，X，听到请回答 it calls the post."""
        return self.after("hail", mention.end) and not mention.behind_post

    def _signs_off(self, named: tuple[Named, ...], i: int) -> bool:
        """Whether the call begins with the post and names this one unit only, wherever in it.

        指挥中心，有人落水，X，快叫救护车: who hails the post and names one unit names itself.
        """
        if any(not other.is_command for j, other in enumerate(named) if j != i):
            return False
        return named[0].is_command and self._at_start(named[0])

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
        if self._is_self(mention):
            return _CLAIM_SELF
        if self._calls(mention) and not self._aside(mention):
            return _CLAIM_CALLS
        return _CLAIM_ANSWER if self._answers(named, i, mention) else 0.0

    def _answers(self, named: tuple[Named, ...], i: int, mention: Named) -> bool:
        if self._aside(mention) or i in self.ordered(named):
            return False
        if self._hailed(mention) or self.after("order", mention.end, slack=0):
            return False
        if self._called(mention):
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
        if self._at_start(named[i]) or start in self._pauses or self.before("answer", start):
            return True
        if i == 0 and start <= _WORDS_BEFORE and self.after("answer", named[i].end, slack=0):
            return True
        return i > 0 and start - named[i - 1].end <= 1

    def _stands_first(self, named: tuple[Named, ...], i: int) -> bool:
        return self._at_start(named[i]) or named[i].behind_post

    def _at_start(self, mention: Named) -> bool:
        """Whether nothing but a greeting and a stray syllable was said before `mention`."""
        return mention.start <= self._begins + 1

    def _tells_plainly(self, named: tuple[Named, ...], i: int, mention: Named) -> bool:
        if mention.is_command or self._aside(mention) or i in self.ordered(named):
            return False
        if self._hailed(mention) or self.after("order", mention.end):
            return False
        if any(other.who & mention.who for j, other in enumerate(named) if j != i):
            return False
        if any(self.before("third", other.start) for other in named):
            return False
        return mention.end in self._pauses or (i > 0 and named[i - 1].start == 0)

    def _is_self(self, mention: Named) -> bool:
        return self.before("self", mention.start, slack=1) or self.before("ours", mention.start)

    def _calls(self, mention: Named) -> bool:
        return self.after("calls", mention.end) or mention.calls_next

    def _called(self, mention: Named) -> bool:
        return self.before("calls", mention.start, slack=1) or mention.called_by_last

    def _aside(self, mention: Named) -> bool:
        if self.before("place_before", mention.start) or self.before("third", mention.start):
            return True
        if mention.end in self._pauses:
            return False
        own = mention.behind_post or mention.suffixed or mention.numbered
        if self.after("place_after", mention.end, slack=0):
            return True
        passing = self.after("vicinity", mention.end, slack=0) or self.after("bygone", mention.end, slack=0)
        return passing and not own

    def _callee(self, named: tuple[Named, ...], caller: int | None) -> int | None:
        speaks = named[caller].who if caller is not None else frozenset()
        others = [i for i, mention in enumerate(named) if i != caller and not mention.who & speaks]
        ordered = self.ordered(named)
        orders: tuple[Callable[[int], bool], ...] = (
            lambda i: self._called(named[i]),
            lambda i: self._hailed(named[i]) or self.after("order", named[i].end, slack=0),
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
