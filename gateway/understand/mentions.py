"""Mentions: the stretches of a transcript where somebody is named, with the units that compete for each."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

from gateway.understand.callsigns import is_a_word, stands_alone
from gateway.understand.names import Occurrence
from gateway.understand.pinyin import Syllables, folded, syllables
from gateway.understand.roles import CallOrder, Named

COMMAND: Final = ""
"""The unit id under which the command post competes with the units."""

OPENING_POSTS: Final = (
    "值班室", "总值班室", "值班台", "派出所", "警务室", "警务站", "调度室", "调度中心", "主台", "指挥台",
)  # fmt: skip
"""Who else is spoken to where a call begins or after 呼叫; elsewhere they are places or who is asked for."""

_CALLED_BY: Final = ("呼叫", "向")
_PAUSES = frozenset(",.?!")

# What surroundings add to a gain: names stand by markers, pauses and the suffix, chance likeness does not.
_AFTER_SELF: Final = 1.2
_AFTER_CALLS: Final = 0.8
_FIRST: Final = 0.4
_AFTER_PAUSE: Final = 0.3
_BEFORE_SUFFIX: Final = 1.0
_BEFORE_MARKER: Final = 0.6
_BEFORE_PAUSE: Final = 0.3
_EXACT: Final = 0.6
_EXACT_CALLSIGN: Final = 1.4
_VERBATIM: Final = 0.2
_COMMAND: Final = 0.8
_COMMAND_LIKENESS: Final = 0.75
_ACROSS_MARKER: Final = -1.0
_SHORT_FORM: Final = 2
_OPENING_LIKENESS: Final = 0.6
"""How near the command post's short name must be heard where calls begin with it: 中台, ... for 总台."""
_SUFFIX_SYLLABLES: Final = 4
_AGAIN: Final = 0.4
_LEADERS_WITHIN: Final = 0.8
_TOLD_APART: Final = 0.3
"""How much of a difference in gain counts between names that differ by -n and -ng, or zh and z."""


@dataclass(frozen=True, slots=True)
class Mention:
    """One stretch where somebody is named: its best occurrence, and each owner's gain with surroundings.

    `found` is the occurrence that each owner's gain comes from.

    `end` is past the 最小应急单元 when that follows the name.
    """

    best: Occurrence
    end: int
    gains: Mapping[str, float]
    found: Mapping[str, Occurrence]

    def named(self) -> Named:
        """What call order needs to know: where it stands and who it may be."""
        top = max(self.gains.values())
        leaders = frozenset(owner for owner, gain in self.gains.items() if gain >= top - _LEADERS_WITHIN)
        suffixed = self.end - self.best.end >= _SUFFIX_SYLLABLES
        is_command = self.best.form.owner == COMMAND
        numbered = self.best.form.kind == "callsign"
        return Named(self.best.start, self.end, is_command, leaders, top, suffixed, numbered)


def find_mentions(
    occurrences: list[Occurrence],
    text: str,
    said: Syllables,
    order: CallOrder,
    least: float,
    *,
    in_audio: bool = False,
) -> tuple[Mention, ...]:
    """Group `occurrences` by stretch, strongest first, and return the groups in the order they were said.

    A group whose best gain stays under `least` is left out, so that a chance likeness takes nobody's part.
    """
    suffixes = {o.start: o.end for o in occurrences if o.form.kind == "suffix" and o.gain > o.most / 2}
    ranked: list[tuple[float, int, Occurrence]] = []
    for found in occurrences:
        if (
            found.form.kind == "suffix"
            or _ends_a_name(found, occurrences)
            or is_a_word(found, order)
            or not _may_stand(found, text, said, in_audio=in_audio)
        ):
            continue
        end = next((suffixes[s] for s in (found.end, found.end + 1, found.end - 1) if s in suffixes), None)
        gain = found.gain + _surroundings(found, text, said, order, suffixed=end is not None)
        ranked.append((gain, end or found.end, found))
    ranked.sort(key=lambda r: (-r[0], r[2].start, r[2].form.owner))
    groups: list[tuple[Occurrence, int, dict[str, float], dict[str, Occurrence]]] = []
    for gain, end, found in ranked:
        rival = next((g for g in groups if _same_stretch(found, g[0])), None)
        if rival is not None:
            rival[2].setdefault(found.form.owner, gain)
            rival[3].setdefault(found.form.owner, found)
        else:
            groups.append((found, max(end, found.end), {found.form.owner: gain}, {found.form.owner: found}))
    groups.sort(key=lambda g: g[0].start)
    return tuple(
        Mention(best, end, _levelled(gains, at), at)
        for best, end, gains, at in groups
        if max(gains.values()) >= least
    )


def _levelled(gains: dict[str, float], found: dict[str, Occurrence]) -> dict[str, float]:
    """`gains` with those of names that sound alike drawn together: nobody tells 新慧园 from 星汇园."""
    level = dict(gains)
    alike: dict[tuple[str, ...], list[str]] = {}
    for owner, one in found.items():
        alike.setdefault(_sound(one.form.text), []).append(owner)
    for owners in alike.values():
        most = max(gains[owner] for owner in owners)
        level |= {owner: most - _TOLD_APART * (most - gains[owner]) for owner in owners}
    return level


@lru_cache(maxsize=65_536)
def _sound(text: str) -> tuple[str, ...]:
    return folded(syllables(text))


def names_of(mentions: tuple[Mention, ...]) -> tuple[Named, ...]:
    """What call order needs to know of each. Where the post is named, no other name is the post's too."""
    named = [mention.named() for mention in mentions]
    posts = sum(one.is_command for one in named)
    return tuple(
        replace(one, who=one.who - {COMMAND}) if posts and not one.is_command else one for one in named
    )


def rivals(mentions: tuple[Mention, ...], index: int) -> dict[str, float]:
    """The gains of mention `index`, more for a unit named in other stretches too: callers say names twice.

    Where the command post is named elsewhere it is left out here, since it does not speak to itself.
    """
    gains = dict(mentions[index].gains)
    others = [mention for i, mention in enumerate(mentions) if i != index]
    for mention in others:
        for owner in gains.keys() & mention.gains.keys() - {COMMAND}:
            gains[owner] = max(gains[owner], mentions[index].gains[owner] + _AGAIN * mention.gains[owner])
    if len(gains) > 1 and any(mention.best.form.owner == COMMAND for mention in others):
        gains.pop(COMMAND, None)
    return gains


def pauses(text: str, said: Syllables) -> frozenset[int]:
    """The syllables before which punctuation stands; one past the last for the end of the text."""
    after = {
        k
        for k in range(1, len(said))
        if not _PAUSES.isdisjoint(text[said.spans[k - 1][1] : said.spans[k][0]])
    }
    return frozenset({0, len(said), *after})


def _surroundings(
    found: Occurrence, text: str, said: Syllables, order: CallOrder, *, suffixed: bool
) -> float:
    gain = _opening(found.start, order) + (_BEFORE_SUFFIX if suffixed else _closing(found.end, order))
    if _stretch(found, text, said).upper() == found.form.text.upper():
        gain += _VERBATIM
    if found.exact:
        gain += _EXACT_CALLSIGN if found.form.kind == "callsign" else _EXACT
    elif order.within(found.start, found.end):
        gain += _ACROSS_MARKER
    if found.form.kind == "command" and found.gain > _COMMAND_LIKENESS * found.most:
        gain += _COMMAND
    return gain


def _opening(start: int, order: CallOrder) -> float:
    if order.before("self", start):
        return _AFTER_SELF
    if order.before("calls", start):
        return _AFTER_CALLS
    if start == 0:
        return _FIRST
    return _AFTER_PAUSE if order.pause_at(start) else 0.0


def _closing(end: int, order: CallOrder) -> float:
    if any(order.after(kind, end, slack=0) for kind in ("answer", "count", "hail", "calls", "order")):
        return _BEFORE_MARKER
    return _BEFORE_PAUSE if order.pause_at(end) else 0.0


def _may_stand(found: Occurrence, text: str, said: Syllables, *, in_audio: bool) -> bool:
    """Whether the stretch can be this form: short forms and numbers must be exact and stand alone.

    The command post's short name may be a little off where a call begins, said once or twice.
    """
    form, stretch = found.form, _stretch(found, text, said)
    opens = found.start <= len(form.text) and found.gain > _OPENING_LIKENESS * found.most
    if form.text in OPENING_POSTS and form.kind == "command":
        return opens or text[: said.spans[found.start][0]].endswith(_CALLED_BY)
    if form.kind == "command" and len(form.text) <= _SHORT_FORM:
        return opens or stretch == form.text
    return not form.text.isdigit() or stands_alone(found, text, said, in_audio=in_audio)


def _ends_a_name(found: Occurrence, occurrences: list[Occurrence]) -> bool:
    """Whether 中心 is the end of a unit's name, in a call that has the post by its full name."""
    if found.form.kind != "command" or len(found.form.text) > _SHORT_FORM:
        return False
    names = (o for o in occurrences if o.form.kind not in {"command", "suffix"})
    if not any(o.start < found.start and o.end == found.end and o.gain > found.gain for o in names):
        return False
    posts = (o for o in occurrences if o.form.kind == "command" and len(o.form.text) > _SHORT_FORM)
    return any(o.end < found.start and o.gain > _COMMAND_LIKENESS * o.most for o in posts)


def _same_stretch(found: Occurrence, best: Occurrence) -> bool:
    shared = min(found.end, best.end) - max(found.start, best.start)
    return 2 * shared >= min(found.end - found.start, best.end - best.start)


def _stretch(found: Occurrence, text: str, said: Syllables) -> str:
    return text[said.spans[found.start][0] : said.spans[found.end - 1][1]]
