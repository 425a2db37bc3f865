import json
import os
import subprocess
import sys

import pytest

from gateway.understand.hanzi import Style, lazy_pinyin, pinyin


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("银行", "yin hang"),
        ("重庆路", "chong qing lu"),
        ("长城大厦", "chang cheng da sha"),
        ("天河区", "tian he qu"),
        ("音乐厅", "yin yue ting"),
        ("着火了", "zhao huo le"),
    ],
)
def test_characters_with_several_readings_are_read_by_their_phrase(text: str, said: str) -> None:
    assert " ".join(lazy_pinyin(text)) == said


def test_tones_come_with_the_phrase() -> None:
    assert pinyin("好奇", style=Style.TONE) == [["hào"], ["qí"]]


def test_readings_are_those_of_the_whole_dictionary_and_the_dictionary_is_not_loaded() -> None:
    """pypinyin with everything, in a process of its own, is the measure; each phrase kept is asked for."""
    ask = (
        "import json, sys\n"
        "from {module} import lazy_pinyin\n"
        "phrases = json.load(sys.stdin)\n"
        "print(json.dumps([[lazy_pinyin(p) for p in phrases], 'pypinyin.phrases_dict' in sys.modules]))\n"
    )
    asked = [
        "消防",
        "一行",
        "行长",
        "长兴",
        "朝阳",
        "便宜",
        "校对",
        "厦门",
        "大厦",
        "单元",
        "少先队",
        "降落",
        "投降",
    ]

    def answer(module: str) -> tuple[list[list[str]], bool]:
        done = subprocess.run(
            [sys.executable, "-c", ask.format(module=module)],
            env={name: value for name, value in os.environ.items() if name != "PYPINYIN_NO_PHRASES"},
            input=json.dumps(asked),
            capture_output=True,
            text=True,
            check=True,
        )
        said, is_loaded = json.loads(done.stdout)
        return said, is_loaded

    whole, ours = answer("pypinyin"), answer("gateway.understand.hanzi")
    assert ours[0] == whole[0]
    assert (whole[1], ours[1]) == (True, False)
