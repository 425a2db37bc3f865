"""Whole dialogues on one channel: what is open, with what, after the last word. One row a dialogue."""

from dataclasses import dataclass
from typing import Any

import pytest

from gateway.model import Resolution


@dataclass(frozen=True)
class Dialogue:
    """`said` are lines "who: words" (A, B, C, post or ? for nobody named; a number waits so many seconds)."""

    name: str
    said: tuple[str | float, ...]
    verbs: tuple[str, ...]
    incidents: tuple[tuple[str, str, str], ...]
    """(code, phase, status) of each incident in the order they were opened."""


FIRE = "A: 指挥中心,我是华夏A区,3号楼着火,请求消防支援"
FIGHT = "B: 指挥中心,我是千耀酒店,大堂有人打架,请求公安支援"
DIALOGUES = (
    Dialogue("reported", (FIRE,), ("opened",), (("FIRE", "open", "Actual"),)),
    Dialogue(
        "acknowledged once",
        (FIRE, "post: 华夏A区,指挥中心收到,请讲", "post: 收到"),
        ("opened", "updated"),
        (("FIRE", "open", "Actual"),),
    ),
    Dialogue(
        "casualties added",
        (FIRE, "?: 收到,马上安排", "A: 华夏A区报告,有2人受伤,需要120"),
        ("opened", "updated", "updated"),
        (("FIRE", "open", "Actual"),),
    ),
    Dialogue(
        "corrected to another kind",
        (FIRE, "A: 华夏A区更正,不是着火,是燃气泄漏"),
        ("opened", "updated"),
        (("GAS_LEAK", "open", "Actual"),),
    ),
    Dialogue(
        "cancelled",
        (FIRE, "?: 收到,马上安排", "A: 指挥中心,华夏A区报告,刚才的着火是误报"),
        ("opened", "updated", "cancelled"),
        (("FIRE", "cancelled", "Actual"),),
    ),
    Dialogue(
        "resolved",
        (FIRE, "A: 华夏A区报告,火已扑灭"),
        ("opened", "closed"),
        (("FIRE", "resolved", "Actual"),),
    ),
    Dialogue(
        "two at once, the second ended",
        (FIRE, FIGHT, "B: 指挥中心,千耀酒店报告,刚才打架是误报"),
        ("opened", "opened", "cancelled"),
        (("FIRE", "open", "Actual"), ("FIGHT", "cancelled", "Actual")),
    ),
    Dialogue(
        "two at once, the first ended by its own unit",
        (FIRE, FIGHT, "A: 华夏A区报告,火已扑灭"),
        ("opened", "opened", "closed"),
        (("FIRE", "resolved", "Actual"), ("FIGHT", "open", "Actual")),
    ),
    Dialogue(
        "silence ends nothing",
        (FIRE, 3600.0, "A: 华夏A区报告,火已扑灭"),
        ("opened", "closed"),
        (("FIRE", "resolved", "Actual"),),
    ),
    Dialogue(
        "an exercise until it is closed",
        ("post: 各单元注意,现在开始演练", FIRE, "post: 演练结束", FIGHT),
        ("opened", "closed", "opened"),
        (("FIRE", "resolved", "Exercise"), ("FIGHT", "open", "Actual")),
    ),
    Dialogue(
        "not an exercise overrides",
        ("post: 各单元注意,现在开始演练", "A: 指挥中心,我是华夏A区,这不是演练,3号楼着火,请求消防支援"),
        ("opened",),
        (("FIRE", "open", "Actual"),),
    ),
    Dialogue(
        "an order opens nothing",
        ("?: 东门有人持刀,请千耀酒店立即到场处置", "B: 千耀酒店收到,正在前往"),
        (),
        (),
    ),
    Dialogue(
        "an order to those who help is no arrival",
        (FIRE, "?: 请千耀酒店、黄石中学立即赶到东门增援"),
        ("opened", "updated"),
        (("FIRE", "open", "Actual"),),
    ),
)


@pytest.mark.parametrize("dialogue", DIALOGUES, ids=lambda d: d.name)
def test_a_dialogue_comes_to(dialogue: Dialogue, talk: Any, units: dict[str, Resolution]) -> None:
    for line in dialogue.said:
        if isinstance(line, float):
            talk.wait(line)
            continue
        who, words = line.split(": ")
        calls_post = units["post"] if words.startswith("指挥中心,") else None
        talk.say(words, units.get(who), calls_post)
    assert tuple(talk.verbs) == dialogue.verbs
    incidents = sorted(talk.conversation.incidents, key=lambda i: i.incident_id)
    assert tuple((i.code, i.phase, i.status) for i in incidents) == dialogue.incidents


def test_an_order_is_no_stage_of_help(talk: Any, units: dict[str, Resolution]) -> None:
    talk.say(FIRE.split(": ")[1], units["A"], units["post"])
    talk.say("请千耀酒店立即赶到东门增援", None, units["B"])
    stages = talk.incident().stages
    assert (stages.mutual_aid_at, stages.reinforcement_at) == (None, None)
    assert stages.acknowledged_at is not None
    talk.say("千耀酒店2人已到达现场", units["B"])
    assert talk.incident().stages.mutual_aid_at == talk.now


@pytest.mark.parametrize(
    ("words", "cap"),
    [
        ("3号楼着火,火势很大", ("Extreme", "Immediate", "Likely")),
        ("疑似燃气泄漏", (None, None, "Possible")),
    ],
)
def test_the_words_of_cap(
    words: str, cap: tuple[str | None, ...], talk: Any, units: dict[str, Resolution]
) -> None:
    talk.say(f"指挥中心,我是华夏A区,{words},请求支援", units["A"], units["post"])
    incident = talk.incident()
    told = (incident.severity, incident.urgency, incident.certainty)
    assert all(want in {None, got} for want, got in zip(cap, told, strict=True)), told
