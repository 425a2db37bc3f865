"""Splits of the city corpus that judge: sentences, places, strangers, registry and voices of their own.

Nobody who works on understanding reads one before it is run, once, when all is decided; then it is used up
and the next is drawn. Lines and slots are those of `tools.citysentences`, with {h} a high place and {x} a
unit that is not registered. Audio and manifest lie apart from the other splits':
`python -m tools.corpus make --judge NAME`.
"""

import re
from dataclasses import dataclass

from tools.sentences import Template

_TWICE = 3
"""Every this many reports one is said a second time, by another unit, voice and speed."""
_ACTS = {
    "report": "report", "checkin": "present", "rollcall_answer": "present", "hail": "hail",
    "rollcall_call": "hail", "ack": "ack_received", "arrived": "arrived", "cancel": "cancel",
    "resolve": "resolve", "exercise": "report", "chatter": "", "test": "test_only", "say_again": "say_again",
}  # fmt: skip
_TWO = re.compile("(?<![0-9])2(?=[个人名位])")
_POLARITY = {"report": "report", "cancel": "cancel", "resolve": "resolve"}


@dataclass(frozen=True, slots=True)
class JudgeSplit:
    """One such split. `lines` are kind, code, agencies and text, a `|` between; `seed` is its registry's.

    Where a line writes its head count out in words, the number, or present/expected, follows a fifth `|`.
    `muster` is the least and the most people a unit may expect. With `words_for_two` two people are 两个人,
    as one says it, and not 2个人, which the voice reads as 二个人.
    """

    name: str
    seed: int
    voices: tuple[str, ...]
    places: tuple[str, ...]
    heights: tuple[str, ...]
    posts: tuple[str, ...]
    strangers: tuple[str, ...]
    lines: str
    muster: tuple[int, int] = (3, 12)
    words_for_two: bool = False

    def templates(self) -> list[Template]:
        """All templates in order; ids carry kind and number."""
        made = []
        for number, line in enumerate(self.lines.strip().splitlines()):
            kind, code, agencies, text, *counted = line.split("|")
            present, _, expected = "".join(counted).partition("/")
            acts = "ack_received|present" if kind == "rollcall_answer" and "收到" in text else _ACTS[kind]
            made.append(
                Template(
                    f"city-{self.name}-{kind}-{number:02d}", self.name, kind, text, code,
                    agencies.replace(",", "|"), acts, _POLARITY.get(kind, "none"), int(kind == "exercise"),
                    present, expected,
                )
            )  # fmt: skip
        return made

    def as_said(self, text: str) -> str:
        """The sentence with its slots filled, as one says it."""
        return _TWO.sub("两", text) if self.words_for_two else text


def rounds(number: int, template: Template) -> int:
    """How often a template is said: once where nobody speaks in it, else twice, of most reports once."""
    if template.kind == "report":
        return 2 if number % _TWICE == 0 else 1
    return 2 if "{" in template.text else 1
