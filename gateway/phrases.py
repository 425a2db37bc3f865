"""What the command post says in a roll-call or a drill, as the station may word it."""

import re
from typing import Final, Self

from pydantic import model_validator

from gateway.events import Model

PLACEHOLDER: Final = re.compile(r"\{(\w*)\}")
_EXERCISE: Final = re.compile("演练|拉动|演习|测试|模拟")
_ORDERS: Final = frozenset({"order_point", "order_line", "order_area", "repeat"})
_TO_ONE_UNIT: Final = frozenset({"call", "ask_headcount", "ask_report", "acknowledge"})


class Phrases(Model):
    """What is said on the air; `{me}` is the command post and `{unit}` the unit called.

    An empty phrase is not said. `call` must name the unit, or nobody would know who is meant.
    """

    open: str = "各单元注意,现在开始点名"
    call: str = "{me}呼叫{unit},听到请回答"
    ask_headcount: str = "{unit},请报告在岗人数"
    acknowledge: str = "{unit},收到"
    last_call: str = "还没有应答的单元,听到请回答"
    close: str = "点名结束"

    @model_validator(mode="after")
    def _can_be_said(self) -> Self:
        if "{unit}" not in self.call:
            raise ValueError("the call must hold {unit}, or nobody knows who is called")
        for name, phrase in self:
            _require_known(name, phrase, {"me", "unit"} if name in _TO_ONE_UNIT else {"me"})
        return self


class DrillPhrases(Model):
    """What is said on the air in a drill.

    `{me}` is the command post, `{place}` and `{text}` the scenario's, `{units}` the units ordered, `{unit}`
    the one spoken to. An empty phrase is not said; opening, orders and closing must say it is an exercise.
    """

    open: str = "各单元注意,现在进行拉动测试,以下为演练,重复,以下为演练"
    order_point: str = "演练,模拟{place}{text},请{units}立即到场处置,收到请回答"
    order_line: str = "演练,请周边单元{units}立即赶到{place}增援,收到请回答"
    order_area: str = "演练,请{units}立即到{place}集结,收到请回答"
    repeat: str = "演练,{units},请立即到{place},听到请回答"
    ask_report: str = "{unit},请报告到场人数和装备情况"
    acknowledge: str = "{unit},收到"
    resume: str = "各单元注意,演练继续"
    close: str = "拉动结束,演练到此结束,各单元恢复正常执勤"

    @model_validator(mode="after")
    def _can_be_said(self) -> Self:
        for name, phrase in self:
            if name in _ORDERS:
                _require_known(name, phrase, {"me", "place", "text", "units"})
                if "{units}" not in phrase:
                    raise ValueError(f"{name} must hold {{units}}, or nobody knows who is meant")
            else:
                _require_known(name, phrase, {"me", "unit"} if name in _TO_ONE_UNIT else {"me"})
            if name in {"open", "close", *_ORDERS} and not _EXERCISE.search(phrase):
                raise ValueError(f"{name} must say that this is an exercise (演练, 拉动, 演习, 测试 or 模拟)")
        return self


def _require_known(name: str, phrase: str, known: set[str]) -> None:
    if unknown := set(PLACEHOLDER.findall(phrase)) - known:
        raise ValueError(f"{name}: {{{min(unknown)}}} means nothing here; there is {sorted(known)}")
