"""Which stretches of a text name somebody: what stands there is neither place nor need nor incident.

A recogniser writes no commas where nobody pauses: 我是玉树小学东门有人打架 has to be cut where the name ends.
A name that was found in the registry says where; any other ends where something is told.
"""

import re
from typing import Final

from gateway.model import Resolution
from gateway.understand.lexicon import Lexicon
from gateway.understand.location import MASK
from gateway.understand.match import Hit, Kind
from gateway.understand.names import bare_name
from gateway.understand.resolve import Parties

_SELF: Final = re.compile(r"(?:我是|这里是)")
_SELF_NAME: Final = re.compile(
    r"(?:我是|这里是)(?P<name>[^,.!?;\x00]{1,22}?)"
    r"(?=[,.!?;]|报告|汇报|有|发生|发现|呼叫|收到|请求|请|需要|现在|目前|正在|突发|在岗|应到|实到|全员|刚才|我们"
    r"|[0-9]{1,2}人|[0-9a-z]{1,3}(?:号楼|号门|栋|幢|座|单元|楼|层)|负[0-9]|$)"
)
_UNIT_SUFFIX: Final = re.compile(r"(?:最小应急单元|最小应急处置单元|最小作战单元)")
_UNIT_NAME: Final = re.compile(rf"[^,.!?;]{{0,16}}?{_UNIT_SUFFIX.pattern}")
_BEFORE_NAMES: Final = re.compile(r"指挥中心|我是|这里是|呼叫|收到|请|报告")
_TELLS: Final = (Kind.INCIDENT, Kind.GENERIC, Kind.CANCEL, Kind.RESOLVE, Kind.DRILL, Kind.ACT)

Span = tuple[int, int]


def names_in(text: str, parties: Parties, lexicon: Lexicon) -> list[Span]:
    """Stretches of `text`, which must be folded, that name somebody, in no order."""
    spans = [span for party in (parties.caller, parties.callee) for span in _known(text, party, lexicon)]
    hits = [h for h in lexicon.book.exact(text) if len(h.phrase) > 1 and any(map(h.codes, _TELLS))]
    for match in _SELF_NAME.finditer(text):
        start, end = match.span("name")
        if not any(_shares((start, end), span) for span in spans):
            spans.append((start, _tells_from(hits, start, end)))
    spans += [_unit_name(text, match.span(), hits) for match in _UNIT_NAME.finditer(text)]
    return [span for span in spans if span[0] < span[1]]


def _known(text: str, party: Resolution, lexicon: Lexicon) -> list[Span]:
    """Where a party that was told from the registry stands: as it was heard, or as long as its name."""
    if party.kind != "unit" or party.status == "unknown":
        return []
    heard = lexicon.fold(party.heard) if party.heard else ""
    spans = [m.span() for m in re.finditer(re.escape(heard), text)] if heard else []
    if not spans and party.name is not None:
        length = len(bare_name(party.name))
        spans = [
            (m.end(), min(m.end() + length, len(text)))
            for m in _SELF.finditer(text)
            if not text.startswith(MASK, m.end())
        ]
    return [_with_suffix(text, span) for span in spans]


def _with_suffix(text: str, span: Span) -> Span:
    suffix = _UNIT_SUFFIX.match(text, span[1])
    return (span[0], suffix.end()) if suffix else span


def _tells_from(hits: list[Hit], start: int, end: int) -> int:
    """Where a stretch taken for a name begins to tell something; `end` when it does not."""
    return min((hit.start for hit in hits if start <= hit.start < end), default=end)


def _unit_name(text: str, span: Span, hits: list[Hit]) -> Span:
    start, end = span
    leads = [m.end() for m in _BEFORE_NAMES.finditer(text, start, end)]
    told = [hit.end for hit in hits if start <= hit.start and hit.end <= end]
    return max([start, *leads, *told]), end


def _shares(one: Span, other: Span) -> bool:
    return one[0] < other[1] and other[0] < one[1]
