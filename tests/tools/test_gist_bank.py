"""The bank that the gist learns from is well formed, and no judge that has not been run is in it."""

import re

import pytest

from gateway.knowledge import read_lexicon
from gateway.understand.gist import NOTHING, sounds_of
from tools.gist.taught import BANK, carriers, sentences
from tools.gist.train import Lesson, Plan, train
from tools.loftsentences import LOFT

FILES = sorted(BANK.glob("*.tsv"))
SILENT = {
    "cancel",
    "resolve",
    "checkin",
    "chatter",
    "arrived",
    "ack",
    "hail",
    "rollcall_call",
    "instruct",
    "test",
}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_line_has_a_kind_a_known_code_and_a_text(file: object) -> None:
    codes = set(read_lexicon().types) | {"UNKNOWN", ""}
    for line in FILES[FILES.index(file)].read_text(encoding="utf-8").splitlines():
        kind, code, _, text = line.split("\t")
        assert code in codes, line
        assert (kind == "report" and code) or kind in {*SILENT, "followup"}, line
        assert set(re.findall(r"\{(\w+)\}", text)) <= set("uclne"), line


def test_no_sentence_of_a_judge_that_waits_is_learnt() -> None:
    def bare(text: str) -> str:
        return re.sub(r"\{\w\}|\W", "", text)

    taught = {
        bare(line.split("\t")[3]) for file in FILES for line in file.read_text(encoding="utf-8").splitlines()
    }
    waiting = {bare(t.text) for t in LOFT.templates() if t.kind == "report"}
    assert not any(len(text) > 8 for text in waiting & taught)


def test_splits_can_be_left_out() -> None:
    whole, without = list(sentences(())), list(sentences(("vault",)))
    assert 0 < len(whole) - len(without) < 200
    assert len(list(sentences((), only="vault"))) == len(whole) - len(without)


def test_what_is_taught_is_known_and_nothing_is_told_of_the_rest() -> None:
    fire = ["楼上着火了", "仓库烧起来了", "窗户冒火苗"]
    fight = ["两个人打架", "几个人动手打起来了", "一群人打成一团"]
    quiet = ["收到马上去", "五人在岗", "一切正常"]
    lessons = [
        Lesson(sounds_of(text), kind, carried=kind != NOTHING, weight=1.0)
        for kind, texts in (("FIRE", fire), ("FIGHT", fight), (NOTHING, quiet))
        for text in texts
    ] * 20
    gist = train(lessons, Plan(rounds=6, batch=32, misheard=0.2))

    def best(text: str) -> str:
        told = gist.tell(text)
        return max(told, key=lambda kind: told[kind])

    assert [best("厨房烧起来了"), best("他们打起来了"), best("收到马上")] == ["FIRE", "FIGHT", NOTHING]
    assert len(carriers()) > 50
