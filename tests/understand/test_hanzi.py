"""pypinyin, with all of its phrases and in a process of its own, is the measure of our readings."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.understand.hanzi import is_read_one_way, phrases, readings

TESTS = Path(__file__).parents[1]
ASK = """
import json, sys
from pypinyin import lazy_pinyin, pinyin
texts, characters = json.load(sys.stdin)
said = [lazy_pinyin(text, errors=list) for text in texts]
ways = [len(pinyin(character, heteronym=True)[0]) for character in characters]
print(json.dumps([said, ways, [lazy_pinyin(character) for character in characters]]))
"""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("银行", "yin hang"),
        ("重庆路", "chong qing lu"),
        ("长城大厦", "chang cheng da sha"),
        ("天河区", "tian he qu"),
        ("音乐厅", "yin yue ting"),
        ("着火了", "zhao huo le"),
        ("绿女", "lv nv"),
    ],
)
def test_characters_with_several_readings_are_read_by_their_phrase(text: str, said: str) -> None:
    assert " ".join(readings(text)) == said


def test_what_has_no_reading_stands_for_itself_in_its_place() -> None:
    assert readings("") == []
    assert readings("𠮷A，火\ue000 1") == ["𠮷", "A", "，", "huo", "\ue000", " ", "1"]


def test_phrases_bring_their_tones() -> None:
    assert phrases()["好奇"] == "hào qí"


def test_readings_are_those_of_the_whole_dictionary() -> None:
    characters = [chr(point) for point in (0x3007, *range(0x3400, 0xA000))]
    manifest = (TESTS / "data" / "manifest.csv").read_text(encoding="utf-8").splitlines()
    wordings = (TESTS / "understand" / "wordings.txt").read_text(encoding="utf-8").splitlines()
    texts = [
        *phrases(),
        *manifest,
        *wordings,
        "消防",
        "一行",
        "行长",
        "便宜",
        "校对",
        "少先队",
        "降落",
        "投降",
    ]
    done = subprocess.run(
        [sys.executable, "-c", ASK],
        env={name: value for name, value in os.environ.items() if name != "PYPINYIN_NO_PHRASES"},
        input=json.dumps([texts, characters]),
        capture_output=True,
        text=True,
        check=True,
    )
    said, ways, alone = json.loads(done.stdout)
    assert [readings(text) for text in texts] == said
    known = [readings(character) != [character] for character in characters]
    assert [readings(character) for character in characters] == alone
    assert [is_read_one_way(character) for character in characters] == [
        is_known and count == 1 for is_known, count in zip(known, ways, strict=True)
    ]
