"""Who is asked to come, heard with the word that asks: 快派消防队, 请公安, 救护车快来.

请, 派 and 叫 are one syllable, too short to be sought by themselves, and without them an agency that was
heard is only spoken of. So each agency that was heard is sought once more with the words that ask for it in
front or behind, and with words that say nothing (有, 的, 在): it is asked for where the first fit better.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from gateway.model import PhoneEvidence
from gateway.understand.phones import phones_of
from gateway.understand.phonesearch import PhoneHit, PhoneIndex

_ASKS: Final = (
    "请", "派", "叫", "要", "快派", "快叫", "请派", "请叫", "需要", "请求", "请通知", "通知", "联系", "和",
)  # fmt: skip
_COMES: Final = ("过来", "快来", "来处理", "支援", "增援", "到场", "协助")
_SAYS_NOTHING: Final = ("有", "的", "是", "在", "没", "了", "到", "个", "不", "被")
_ASKED_OTHERWISE: Final = (
    "请重复",
    "请讲",
    "请回答",
    "请指示",
    "请稍等",
    "请注意",
    "请放心",
    "请继续",
    "请报告",
)
"""Nobody is asked to come by these."""
_MOST_AGENCIES: Final = 12
_LEAST_GAIN_NATS: Final = 8.0
_LEAST_ADDED_NATS: Final = 0.5
"""What the asking words must add to the agency alone; two phones add 4 at best."""
_LEAST_AHEAD_NATS: Final = 0.5
"""How much more they must be worth than words that say nothing."""
_MARGIN_NATS: Final = 2.0
"""How much more than anybody else who may have been asked for there: 请民警, 请急救."""
_MOST_PER_PHONE: Final = 1.5
_MOST_PER_ASKED_PHONE: Final = 0.8


@dataclass(frozen=True, slots=True)
class Asked:
    """An agency with its asking words, `text`, as they were heard together."""

    agency: str
    text: str
    hit: PhoneHit


def asked_heard(
    evidence: PhoneEvidence, agencies: Sequence[tuple[str, PhoneHit]], same: Callable[[str, str], bool]
) -> list[Asked]:
    """Those of `agencies` that were asked for, the surest first; `agencies` are words and where heard.

    `same` tells whether two of them name one agency.

    Raises:
        ValueError: the evidence comes from a head with other phones.
    """
    likely = sorted(agencies, key=lambda one: -one[1].gain)[:_MOST_AGENCIES]
    words = list(dict.fromkeys(text for text, _ in likely))
    if not words:
        return []
    asking = [(word, f"{ask}{word}") for word in words for ask in _ASKS]
    asking += [(word, f"{word}{come}") for word in words for come in _COMES]
    said = [*asking, *((word, f"{idle}{word}") for word in words for idle in _SAYS_NOTHING)]
    said += [("", text) for text in _ASKED_OTHERWISE]
    found = PhoneIndex([phones_of(text) for _, text in said]).search(evidence, 2, _MOST_PER_PHONE)
    asked = []
    for word, alone in likely:
        near = [hit for hit in found if _at(hit, alone)]
        here = [hit for hit in near if said[hit.entry][0] == word]
        best = next((hit for hit in here if hit.entry < len(asking)), None)
        if best is None or best.per_phone > _MOST_PER_ASKED_PHONE:
            continue
        idle = next((hit.gain for hit in here if hit.entry >= len(asking)), 0.0)
        other = next((hit.gain for hit in near if not _same(said[hit.entry][0], word, same)), 0.0)
        text = said[best.entry][1]
        ahead = text.startswith(word) or best.gain >= idle + _LEAST_AHEAD_NATS
        least = max(_LEAST_GAIN_NATS, alone.gain + _LEAST_ADDED_NATS, other + _MARGIN_NATS)
        if ahead and best.gain >= least:
            asked.append(Asked(word, text, best))
    return sorted(asked, key=lambda one: -one.hit.gain)


def _same(one: str, other: str, same: Callable[[str, str], bool]) -> bool:
    return bool(one) and same(one, other)


def _at(hit: PhoneHit, alone: PhoneHit) -> bool:
    return 2 * hit.shared_s(alone.start_s, alone.end_s) >= alone.end_s - alone.start_s
