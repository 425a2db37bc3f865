"""Telephone and identity numbers are hidden in what is published; the recording on the box still has them.

The law asks for no more personal data than a purpose needs (个人信息保护法 art. 6): a dispatcher needs the
place and the kind of an incident, and rings back by radio. The length of a text does not change, so that
spans which point into it stay true.
"""

import re
from typing import Annotated

from pydantic import AfterValidator

SHORTEST_DIGITS = 7
"""A local telephone number. Callsigns, plates, rooms and radio ids are shorter."""
SHOWN_FIRST, SHOWN_LAST = 3, 2
_DIGIT = "[0-9０-９零〇洞幺一二两三四五六七拐八九勾]"
# A comma parts groups of one number only when each has two digits: 一、二、三栋 names three buildings.
_RUN = re.compile(rf"{_DIGIT}+(?:[ \-－]{_DIGIT}+|[,，、]{_DIGIT}{{2,}})*[Xx]?")


def mask_numbers(text: str) -> str:
    """Star out the middle of every run of at least SHORTEST_DIGITS spoken or written digits."""
    return _RUN.sub(_masked, text)


def _masked(run: re.Match[str]) -> str:
    said = run.group()
    at = [place for place, character in enumerate(said) if character.isalnum()]
    if len(at) < SHORTEST_DIGITS:
        return said
    hidden = set(at[SHOWN_FIRST:-SHOWN_LAST])
    return "".join("*" if place in hidden else character for place, character in enumerate(said))


Said = Annotated[str, AfterValidator(mask_numbers)]
"""Words heard on the air, fit to be published."""
