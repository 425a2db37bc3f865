"""Places heard in the audio: chains of parts, numbers that may be two, and what only the text has."""

import numpy as np
import pytest

from gateway.model import PhoneEvidence, Resolution, Transcript, Understanding
from gateway.understand.lexicon import Lexicon
from gateway.understand.normalise import normalise
from gateway.understand.phones import PHONES, phones_of
from gateway.understand.resolve import Parties
from gateway.understand.understand import Context, understand

EVERY = 4
CALLER = Resolution("matched", "u1", "华夏A区", 0.99, 0.9, "华夏A区", ("speech",))
COMMAND = Resolution("matched", None, "指挥中心", 0.99, 0.9, "指挥中心", ("speech",), (), "command")


def spoken(text: str) -> PhoneEvidence:
    """Evidence for `text`, a comma being a pause of 0.4 s."""
    frames: list[tuple[int, str]] = []
    at = 2 * EVERY
    for piece in text.split(","):
        for phone in phones_of(piece):
            frames.append((at, phone))
            at += EVERY
        at += 20
    rows = np.full((at + EVERY, len(PHONES) + 1), -6.0)
    rows[:, 0] = 6
    for at, phone in frames:
        rows[at, 1 + PHONES.index(phone)] = 12
    log_probs = rows - np.log(np.exp(rows).sum(axis=1, keepdims=True))
    return PhoneEvidence(log_probs.astype(np.float32), PHONES)


def told(lexicon: Lexicon, text: str, phones: PhoneEvidence | None) -> Understanding:
    transcript = Transcript(normalise(text), text, "test", "none", 0.1, 0.9, phones=phones)
    return understand(transcript, Parties(CALLER, COMMAND), Context(), lexicon)


def parts_of(understanding: Understanding) -> dict[str, str]:
    return dict(understanding.incident.location_parts)


@pytest.mark.parametrize(
    ("written", "said", "parts"),
    [
        ("东门港亭着火了", "东门岗亭着火了", {"gate": "东门", "spot": "岗亭"}),
        ("一下2层着火了", "地下二层着火了", {"floor": "地下2层"}),
        ("公司旁边着火了", "公厕旁边着火了", {"spot": "公厕", "relation": "旁边"}),
        ("有浩楼大场着火了", "9号楼大堂着火了", {"building": "9号楼", "spot": "大堂"}),
        ("七号门着火了", "西侧门着火了", {"gate": "西侧门"}),
    ],
)
def test_the_audio_has_the_place_that_the_text_misspells(
    lexicon: Lexicon, written: str, said: str, parts: dict[str, str]
) -> None:
    head = "指挥中心我是华夏A区"
    found = told(lexicon, head + written, spoken(f"指挥中心,我是华夏A区,{said}"))
    assert parts_of(found) == parts


def test_a_number_that_may_be_two_is_told_as_a_doubt(lexicon: Lexicon) -> None:
    said = "指挥中心,我是华夏A区,6号楼楼顶,有人要跳楼"
    clear = told(lexicon, "指挥中心我是华夏A区有人要跳楼", spoken(said))
    assert parts_of(clear) == {"building": "6号楼", "spot": "楼顶"}
    rows = spoken(said).log_probs.copy()
    jiu, liu = 1 + PHONES.index("j"), 1 + PHONES.index("l")
    at = int(np.argmax(rows[:, 1 + PHONES.index("iu")])) - EVERY
    rows[at, jiu] = rows[at, liu]
    found = told(lexicon, "指挥中心我是华夏A区有人要跳楼", PhoneEvidence(rows, PHONES))
    assert parts_of(found) == {"spot": "楼顶"}
    assert "place_unclear:6号楼|9号楼" in found.review_reasons


def test_a_street_nobody_listed_needs_both_text_and_audio(lexicon: Lexicon) -> None:
    text = "指挥中心我是华夏A区体育东路88号门口着火了"
    heard = told(lexicon, text, spoken("指挥中心,我是华夏A区,体育东路88号门口着火了"))
    assert parts_of(heard) == {"road": "体育东路", "house_no": "88号", "relation": "门口"}
    assert heard.incident.location_text == "体育东路88号门口"
    other = told(lexicon, text, spoken("指挥中心,我是华夏A区,大门口着火了"))
    assert "road" not in parts_of(other)
    assert "place_not_heard:体育东路" in other.review_reasons


def test_without_a_phone_head_the_text_is_taken_at_its_word(lexicon: Lexicon) -> None:
    found = told(lexicon, "指挥中心我是华夏A区体育东路88号门口着火了", None)
    assert parts_of(found) == {"road": "体育东路", "house_no": "88号", "relation": "门口"}


def test_who_is_called_is_no_place(lexicon: Lexicon) -> None:
    said = "值班室,我是华夏A区,着火了,请消防支援"
    assert parts_of(told(lexicon, "值班室我是华夏A区着火了请消防支援", spoken(said))) == {}
    within = told(lexicon, "我是华夏A区3号楼值班室着火了", spoken("我是华夏A区,3号楼值班室着火了"))
    assert parts_of(within) == {"building": "3号楼", "spot": "值班室"}


def test_a_syllable_before_a_number_makes_the_number_doubtful(lexicon: Lexicon) -> None:
    found = told(lexicon, "我是华夏A区7号楼楼顶着火了", spoken("这里是华夏A区,是7号楼楼顶着火了"))
    assert "building" not in parts_of(found)  # 是7号楼 is 17号楼 to the ear
    assert "place_unclear:17号楼|7号楼" in found.review_reasons
