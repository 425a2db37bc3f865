import pytest

from gateway.model import Unit
from gateway.understand.names import Form, NameIndex, bare_name, unit_forms
from gateway.understand.pinyin import syllables


def index_of(*names: str, keep: int = 64) -> NameIndex:
    return NameIndex(tuple(Form(name, name, "name") for name in names), keep=keep)


def heard(index: NameIndex, text: str) -> list[tuple[str, str]]:
    """The names found and the stretch of text each was found in, best first."""
    said = syllables(text)
    found = index.search(text, said, least_gain=1.5)
    return [(o.form.text, text[said.spans[o.start][0] : said.spans[o.end - 1][1]]) for o in found]


@pytest.mark.parametrize(
    ("registered", "bare"),
    [
        ("枫林书店最小应急单元", "枫林书店"),
        ("枫林书店应急处置单元", "枫林书店"),
        ("枫林书店最小作战单元", "枫林书店"),
        ("枫林书店", "枫林书店"),
        ("最小应急单元", "最小应急单元"),
        ("楓林Ｂ座最小應急單元", "枫林B座"),
    ],
)
def test_the_common_suffix_is_no_part_of_a_name(registered: str, bare: str) -> None:
    assert bare_name(registered) == bare


def test_a_unit_is_said_by_name_alias_callsign_and_without_its_street() -> None:
    unit = Unit("k1", "北坡街枫林书店最小应急单元", ("书香角",), street="北坡街", callsign="洞五")
    assert [(f.text, f.kind) for f in unit_forms(unit)] == [
        ("北坡街枫林书店", "name"),
        ("枫林书店", "name"),
        ("书香角", "alias"),
        ("05", "callsign"),
    ]


@pytest.mark.parametrize(
    ("text", "stretch"),
    [
        ("呼叫枫林书店请回答", "枫林书店"),
        ("呼叫风铃书店请回答", "风铃书店"),
        ("呼叫哄林输电请回答", "哄林输电"),
        ("枫林那书店收到", "枫林那书店"),
    ],
)
def test_a_name_is_found_where_it_was_said(text: str, stretch: str) -> None:
    assert heard(index_of("枫林书店", "海棠医院"), text)[0] == ("枫林书店", stretch)


def test_nothing_is_found_in_other_words() -> None:
    assert heard(index_of("枫林书店", "海棠医院"), "中午一起吃饭吧") == []
    assert heard(index_of("枫林书店"), "") == []
    assert heard(index_of(), "枫林书店收到") == []


def test_a_longer_name_beats_the_one_inside_it() -> None:
    assert heard(index_of("马场", "跑马场"), "跑马场收到")[0][0] == "跑马场"


def test_a_name_said_twice_is_found_twice() -> None:
    assert heard(index_of("枫林书店"), "枫林书店,枫林书店,听到请回答") == [("枫林书店", "枫林书店")] * 2


def test_the_sieve_keeps_the_right_name() -> None:
    stems = "风林海棠松月白鹭青石红梅"
    names = [f"{a}{b}小学" for a in stems for b in stems if a != b]
    index = index_of(*names, keep=16)
    assert heard(index, "呼叫海凌小学,收到请讲")[0][0] == "海林小学"
    assert all(heard(index, f"报告,{name}收到")[0][0] == name for name in names[::11])
