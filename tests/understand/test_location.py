"""Places read from text: the parts that a person tells, whatever the sentence around them."""

import pytest

from gateway.understand.lexicon import Lexicon
from gateway.understand.location import read_place
from gateway.understand.normalise import normalise
from tools.toldplaces import told_places


@pytest.mark.parametrize(("said", "parts"), told_places().items())
def test_every_recorded_place_is_read_as_a_person_reads_it(
    said: str, parts: dict[str, str], lexicon: Lexicon
) -> None:
    place = read_place(normalise(said), lexicon.places)
    assert place is not None
    assert dict(place.parts) == parts


@pytest.mark.parametrize(
    "said",
    [
        "一棵大树倒了把路挡住了",
        "请把路让开",
        "他往北边跑了",
        "有人在耍酒疯,里面有5个人",
        "一共来了12个人",
    ],
)
def test_what_names_no_place_is_none(said: str, lexicon: Lexicon) -> None:
    place = read_place(said, lexicon.places)
    assert place is None or {name for name, _ in place.parts} == {"spot"}


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ("4号楼后面的小树林有人打架", "4号楼后面的小树林"),
        ("东侧围墙边上着火了", "东侧围墙边上"),
        ("2号楼电梯困人,里面有5个人", "2号楼电梯"),
        ("1期3栋楼下有人打架", "1期3栋楼下"),
        ("在体育东路88号门口", "体育东路88号门口"),
    ],
)
def test_a_side_belongs_to_what_it_follows(said: str, text: str, lexicon: Lexicon) -> None:
    place = read_place(said, lexicon.places)
    assert place is not None
    assert place.text == text


def test_a_longer_spot_is_not_cut_short(lexicon: Lexicon) -> None:
    words = lexicon.places.spots
    assert len(words) == len(set(words))
    for word in words:
        place = read_place(f"在{word}有人打架", lexicon.places)
        assert place is not None
        assert ("spot", word) in place.parts or word in place.text, word
