"""Where a denial ends: what happened once, or to somebody, did happen."""

import pytest

from gateway.knowledge import read_lexicon
from gateway.model import Transcript
from gateway.understand.resolve import Parties
from gateway.understand.understand import Context, understand

LEXICON = read_lexicon()


def code_of(text: str) -> str | None:
    transcript = Transcript(text, text, "given", "given", 0.0)
    meaning = understand(transcript, Parties(), Context(open_incident=True), LEXICON)
    return meaning.incident.code if meaning.incident.polarity == "report" else None


@pytest.mark.parametrize("first", ["我", "无", "五", "吴"])
def test_a_misheard_first_word_denies_nothing(first: str) -> None:
    assert code_of(f"{first}小区发生一起打架斗殴,需要公安支援") == "FIGHT"
    assert code_of(f"{first}园区发生火灾,需要消防支援") == "FIRE"


@pytest.mark.parametrize("text", ["没有发生火灾", "未发生打架斗殴", "现场无人员受伤,没有着火", "没有火灾"])
def test_what_did_not_happen_stays_denied(text: str) -> None:
    assert code_of(text) is None
