"""Orders: somebody sends units somewhere. What is ordered is not done, and who is sent does not speak."""

import re
from typing import Final

from gateway.model import Resolution

_URGE: Final = r"(?:立即|马上|迅速|尽快|速速|赶快|火速|立刻)"
_ORDERS: Final = re.compile(
    rf"请(?P<whom>[^请]{{0,40}}?){_URGE}[^请]{{0,12}}?"
    r"(?:到场|到达|到位|到现场|赶到|赶赴|赶往|前往|集结|集合|增援|支援|处置)"
)
_OWN: Final = re.compile(
    r"我是|这里是|我单元|我们?小区|我这里|收到(?!,?请)|请求|需要|求助|救命|正在(?:前往|赶)|已经?(?:到|在)"
)
_FORCES: Final = re.compile(
    r"(?:派|消防|公安|民警|警察|特警|交警|急救|救护车?|医生|医护|医院|120|119|110|122|支援|增援|指挥中心|上级|领导|你们|大家"
    r"|人员|部门|力量|队员|队|车|站|的|来|[、,和及与 ])*"
)
"""Who is asked for by those in need; units are ordered by their names."""


def is_order(text: str, callee: Resolution) -> bool:
    """Whether `text` sends units somewhere, and does not say that the speaker goes, is there or needs help.

    请消防立即到场 asks for help and is no order. 请立即到场 without a name is one unless the command post is
    spoken to (`callee`).
    """
    if callee.kind == "command" or _OWN.search(text):
        return False
    found = list(_ORDERS.finditer(text))
    return any(not one["whom"] or _FORCES.fullmatch(one["whom"]) is None for one in found)


def orders_by_name(text: str, callee: Resolution) -> bool:
    """Whether `text` is an order that says whom it sends: nobody in need says it by chance."""
    named = any(one["whom"] and not _FORCES.fullmatch(one["whom"]) for one in _ORDERS.finditer(text))
    return is_order(text, callee) and (named or callee.unit_id is not None)
