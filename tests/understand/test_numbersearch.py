"""Numbers told from each other in the words that count people, and what is told of them."""

import numpy as np
import pytest

from gateway.model import Headcount, PhoneEvidence, Resolution, Transcript, Understanding
from gateway.understand.lexicon import Lexicon
from gateway.understand.normalise import normalise
from gateway.understand.phones import PHONES, phones_of
from gateway.understand.resolve import Parties
from gateway.understand.understand import Context, understand

_UNIT = Resolution("matched", "u1", "华夏A区", 0.99, 0.9, "华夏A区", ("speech",))
_EVERY = 4


def spoken(words: list[str], nearly: tuple[str, float] | None = None) -> PhoneEvidence:
    """Evidence for `words` with a pause after each; `nearly` the first might be, by so many nats less."""
    frames: list[tuple[str, str | None]] = []
    for index, word in enumerate(words):
        rivals = phones_of(nearly[0]) if nearly and not index else ()
        phones = phones_of(word)
        frames += [(phone, rivals[k] if k < len(rivals) else None) for k, phone in enumerate(phones)]
        frames += [("", None)] * 5
    rows = np.full((_EVERY * (len(frames) + 2), len(PHONES) + 1), -6.0)
    rows[:, 0] = 6.0
    for k, (phone, rival) in enumerate(frames):
        if phone:
            rows[_EVERY * (k + 1), 1 + PHONES.index(phone)] = 12.0
        if rival and nearly:
            rows[_EVERY * (k + 1), 1 + PHONES.index(rival)] = 12.0 - (nearly[1] if rival != phone else 0.0)
    log_probs = rows - np.log(np.exp(rows).sum(axis=1, keepdims=True))
    return PhoneEvidence(log_probs.astype(np.float32), PHONES)


def understood(
    lexicon: Lexicon, text: str, phones: PhoneEvidence, context: Context | None = None
) -> Understanding:
    transcript = Transcript(normalise(text), text, "test", "test", 0.0, 0.9, phones=phones)
    return understand(transcript, Parties(_UNIT), context or Context(), lexicon)


@pytest.mark.parametrize(
    ("words", "number"),
    [
        ("十一人在岗", 11), ("二十四人到位", 24), ("现有七人", 7), ("两名队员值守", 2), ("总共十个", 10),
        ("我们俩", 2), ("实到九", 9), ("在岗人数十二人", 12),
    ],
)  # fmt: skip
def test_every_number_is_measured_in_every_frame(lexicon: Lexicon, words: str, number: int) -> None:
    found = [one for one in lexicon.counts.search(spoken([words])) if one.meaning in {"told", "weak"}]
    assert (found[0].number, round(found[0].per_phone, 2)) == (number, 0.0)
    assert all(found[0].gain > other.gain + 1 for other in found[1:] if other.number != number)


def test_nothing_is_found_in_a_name_and_nothing_in_silence(lexicon: Lexicon) -> None:
    evidence = spoken(["九人在岗"])
    whole_s = len(evidence.log_probs) * evidence.frame_s
    assert lexicon.counts.search(evidence)[0].gain > 10
    assert max(one.gain for one in lexicon.counts.search(evidence, [(0.0, whole_s)])) < 0
    assert lexicon.counts.search(PhoneEvidence(evidence.log_probs[:0], PHONES)) == ()
    with pytest.raises(ValueError, match="other phones"):
        lexicon.counts.search(PhoneEvidence(evidence.log_probs, PHONES[::-1]))


def test_a_count_nobody_could_read_is_told_by_ear_with_how_many_there_should_be(lexicon: Lexicon) -> None:
    told = understood(lexicon, "引到巴仁石道骑人", spoken(["应到八人", "实到七人", "一切正常"]))
    assert (told.headcount, "present" in told.acts) == (Headcount(7, 8), True)
    assert "headcount_heard" in told.review_reasons


def test_a_number_that_was_read_but_not_said_is_not_told(lexicon: Lexicon) -> None:
    assert understood(lexicon, "在岗1人", spoken(["在岗十一人", "一切正常"])).headcount == Headcount(11)


def test_of_two_numbers_as_near_neither_is_told(lexicon: Lexicon) -> None:
    told = understood(lexicon, "再赶又人", spoken(["六人在岗"], nearly=("九人在岗", 0.1)))
    assert told.headcount == Headcount()
    assert "headcount_unclear:6人|9人" in told.review_reasons


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("没有发现可疑人员一切正常", ["没有发现可疑人员", "一切正常"]),
        ("值班室值班室华夏A区呼叫", ["值班室", "值班室", "呼叫"]),
        ("孩子已经找到了", ["孩子已经找到了", "交给家长了"]),
        ("门口有三个人在聊天", ["门口有三个人在聊天"]),
    ],
)
def test_who_counts_nobody_on_duty_tells_no_number(lexicon: Lexicon, text: str, words: list[str]) -> None:
    assert understood(lexicon, text, spoken(words)).headcount == Headcount()


def test_a_bare_number_counts_only_as_an_answer(lexicon: Lexicon) -> None:
    evidence = spoken(["华夏", "五个人"])
    assert understood(lexicon, "华夏无个人", evidence).headcount == Headcount()
    asked = Context(asked="headcount")
    assert understood(lexicon, "华夏无个人", evidence, asked).headcount == Headcount(5)
