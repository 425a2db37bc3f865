"""The bank that teaches who speaks is well formed, and no judge that has not been run is in it."""

import random
import re
from pathlib import Path

import pytest

from gateway.understand.whospeaks import ELSE, SPEAKS, pieces_around
from tools.cityregistry import city_units
from tools.loftsentences import LOFT
from tools.whospeaks.aloud import said_aloud
from tools.whospeaks.taught import BANK, ROLES, Sentence, chance, sentences, stands
from tools.whospeaks.train import Plan, train

FILES = sorted(BANK.glob("*.tsv"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_line_names_the_unit_it_tells_the_role_of(file: Path) -> None:
    lines = file.read_text(encoding="utf-8").splitlines()
    assert len({line.split("\t")[2] for line in lines}) == len(lines)
    for line in lines:
        role, kind, text = line.split("\t")
        slots = set(re.findall(r"\{(\w+)\}", text))
        assert role in ROLES, line
        assert kind, line
        assert {"u"} <= slots <= set("uvclne"), line
        assert set(ROLES[role]) <= slots, line


def test_no_sentence_of_a_judge_that_waits_is_learnt() -> None:
    def bare(text: str) -> str:
        return re.sub(r"\{\w\}|\W", "", text)

    taught = {bare(sentence.text) for sentence in sentences(()) if sentence.source == "bank"}
    waiting = {bare(template.text) for template in LOFT.templates()}
    assert not any(len(text) > 8 for text in waiting & taught)


def test_a_sentence_stands_as_its_slots_say() -> None:
    sentence = Sentence("bank", "{c}，{v}喊{u}，{u}听到没有", {"u": False, "v": True})
    found = list(stands(sentence, random.Random(0)))
    assert [(one.before[:1], one.speaks) for one in found] == [(("#",), False)] * 2 + [(("#",), True)]
    assert found[0].after[:1] == ("=",)
    assert found[2].after[1] == "%"


def test_a_stretch_that_names_nobody_leaves_the_names_alone() -> None:
    sentence = Sentence("bank", "{u}有人打架快来人", {"u": True})
    found = chance(sentence, random.Random(0))
    assert found is not None
    assert found.before[0] == "%"
    assert not found.speaks


def test_what_is_taught_is_told() -> None:
    taught = [Sentence("bank", f"我是{{u}}{word}", {"u": True}) for word in ("有人打架", "着火了", "到岗了")]
    taught += [Sentence("bank", f"去{{u}}{word}", {"u": False}) for word in ("看看", "支援", "借梯子")]
    weights = train(taught, Plan(rounds=20, chance=0.0))
    caller = weights.weigh(pieces_around(["wo", "si"], ["you", "ren"]))
    other = weights.weigh(pieces_around(["qu"], ["zi", "yuan"]))
    assert caller[SPEAKS] > caller[ELSE]
    assert other[ELSE] > other[SPEAKS]


def test_what_is_said_aloud_is_the_same_each_time_and_names_who_speaks() -> None:
    units = city_units(11)
    bank = [Sentence("bank", "{v}呼叫{u}，{l}有{n}人", {"u": False, "v": True})]
    (first,), (again,) = (list(said_aloud(bank, units)) for _ in range(2))
    assert (first.text, first.caller_id) == (again.text, again.caller_id)
    assert (first.phones.log_probs == again.phones.log_probs).all()
    caller = next(unit for unit in units if unit.unit_id == first.caller_id)
    assert first.text.startswith(caller.name.removesuffix("最小应急单元")[:2])
