"""The sentences that the gist learns from, each with its kind of incident or none.

A bank line is `kind, code, agencies, text` with tabs between; in the text {u} is the caller, {c} the command
post, {l} a place, {n} and {e} numbers of people. A line reports nothing unless its kind is `report`, or
`followup`: news of what still goes on.
"""

import random
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from gateway.understand.gist import NOTHING
from gateway.understand.location import MASK
from gateway.understand.normalise import normalise
from tools.cellarsentences import CELLAR
from tools.citysentences import PLACES, city_templates
from tools.judgesplits import JudgeSplit
from tools.sealedsentences import SEALED
from tools.vaultsentences import VAULT

BANK = Path(__file__).with_name("bank")
USED_UP: tuple[JudgeSplit, ...] = (SEALED, VAULT, CELLAR)
"""Judges that were run: what they said may be learnt from."""
_SLOT = re.compile(r"\{(\w)\}")
_COLUMNS = 4
_REPORTS = frozenset({"report", "followup"})

_CARRIERS = """
有个人|有人|这边|我们这儿|现在|刚才|刚刚|好像|好几个人|他们|情况紧急|快来人|赶紧派人|请派人来看看|麻烦过来一下|请警察快来|请派民警
请求支援|请公安支援|叫救护车|需要救护车|请120|请消防快来|请派消防车|我们在现场|我们劝不住|人还在这里|已经控制住|有人受伤|没有人受伤
请指示|完毕|报告|紧急情况|快点|帮忙处理|一个男的|一个女的|有位大爷|有个老太太|有个学生|有个小孩|有个顾客|有位业主|在门口|在楼下|大厅里
停车场|在马路边|我看见|有群众反映|业主打电话说|保安发现|巡逻发现|监控里看到|不知道怎么办|请尽快|马上派人过来|赶快|具体位置我再报
人越来越多|拦不住|在里面|出事了|请街道来人|请物业来修|情况不太好|你们快一点|我们先看着|现场有群众围观|请尽快派人到现场
"""


def carriers() -> list[str]:
    """What is said around an incident and tells nothing of its kind."""
    return [one for line in _CARRIERS.split() for one in line.split("|")]


def sentences(without: Sequence[str], only: str | None = None) -> Iterator[tuple[str, str]]:
    """Kind and text of each sentence, names masked; but for the splits `without`, or of one split alone."""
    rng = random.Random("taught")
    for split, kind, text in (*_of_splits(), *_of_bank()):
        if split not in without and only in {None, split}:
            yield kind, _filled(text, rng)


def _of_splits() -> Iterator[tuple[str, str, str]]:
    judged = [template for split in USED_UP for template in split.templates()]
    for template in (*city_templates(), *judged):
        yield template.split, template.code or NOTHING, template.text


def _of_bank() -> Iterator[tuple[str, str, str]]:
    for file in sorted(BANK.glob("*.tsv")):
        for line in file.read_text(encoding="utf-8").splitlines():
            columns = line.split("\t")
            if len(columns) != _COLUMNS:
                raise ValueError(f"{file}: {line!r} is not kind, code, agencies and text")
            kind, code, _, text = columns
            yield "bank", code if kind in _REPORTS and code else NOTHING, text


def _filled(text: str, rng: random.Random) -> str:
    """The sentence as the gist reads it: names and calls masked, a place where one stands, small numbers."""

    def fill(slot: re.Match[str]) -> str:
        if slot[1] in {"l", "h"}:
            return rng.choice([place for places in PLACES.values() for place in places])
        return str(rng.randint(3, 12)) if slot[1] in {"n", "e"} else MASK

    return normalise(_SLOT.sub(fill, text))
