"""What the command post says in a roll-call, as the station may word it."""

import re
from typing import Final, Self

from pydantic import model_validator

from gateway.events import Model

_PLACEHOLDER: Final = re.compile(r"\{(\w*)\}")


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
            known = {"me", "unit"} if name in {"call", "ask_headcount", "acknowledge"} else {"me"}
            if unknown := set(_PLACEHOLDER.findall(phrase)) - known:
                raise ValueError(f"{name}: {{{min(unknown)}}} means nothing here; there is {sorted(known)}")
        return self
