import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.events import TranscriptData
from gateway.masking import SHOWN_FIRST, SHOWN_LAST, mask_numbers


@pytest.mark.parametrize(
    ("said", "published"),
    [
        ("联系电话13800138000，请回电", "联系电话138******00，请回电"),
        ("电话138 0013 8000", "电话138 **** **00"),
        ("电话138，0013，8000", "电话138，****，**00"),
        ("打幺三八洞洞幺三八洞洞洞", "打幺三八******洞洞"),
        ("身份证44010619800101123X", "身份证440*************3X"),
        ("座机87654321", "座机876***21"),
    ],
)
def test_numbers_of_people_are_hidden(said: str, published: str) -> None:
    assert mask_numbers(said) == published


@pytest.mark.parametrize(
    "said",
    [
        "6号楼3单元1204室",
        "粤A12345往东跑了",
        "洞幺两拐，收到请回答",
        "一、二、三、四、五、六、七、八栋都停电",
        "应到五人，实到四人",
        "119和120都叫了",
    ],
)
def test_what_an_officer_needs_stays(said: str) -> None:
    assert mask_numbers(said) == said


@given(st.text(alphabet="0123456789洞幺两 -，、X号楼电话", max_size=60))
def test_masking_keeps_the_length_and_is_done_once(said: str) -> None:
    masked = mask_numbers(said)

    assert len(masked) == len(said)
    assert mask_numbers(masked) == masked
    assert all(shown in {written, "*"} for shown, written in zip(masked, said, strict=True))


@given(st.text(alphabet="0123456789", min_size=7, max_size=20))
def test_no_number_comes_through_whole(number: str) -> None:
    assert sum(character.isdigit() for character in mask_numbers(number)) == SHOWN_FIRST + SHOWN_LAST


def test_no_event_can_be_made_around_it() -> None:
    transcript = TranscriptData(
        text="电话13800138000", raw="電話13800138000", engine="e", model="m", confidence=None, decode_s=0.0
    )

    assert "13800138000" not in transcript.model_dump_json()
