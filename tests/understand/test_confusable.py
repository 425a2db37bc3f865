"""Names that are taken for one another on a noisy channel, by what was measured of the phone head."""

import random
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import pytest

from gateway.model import Unit
from gateway.understand.confusable import Confusable, PhoneConfusions
from gateway.understand.phones import PHONES
from gateway.understand.registry import Registry

TABLE = Path(__file__).parents[2] / "config" / "phone-confusions.json"


@pytest.fixture(scope="module")
def judge() -> Confusable:
    return Confusable(PhoneConfusions.parse(TABLE.read_text(encoding="utf-8")))


def test_the_table_knows_every_phone_the_head_tells() -> None:
    table = PhoneConfusions.parse(TABLE.read_text(encoding="utf-8"))
    assert table.phones == PHONES
    assert all(len(row) == len(PHONES) for row in table.near)
    assert all(row[at] == 1.0 and min(row) > 0.0 for at, row in enumerate(table.near))
    assert table.snr_db == 12.0


def test_the_same_sounds_are_never_told_apart_and_other_sounds_always(judge: Confusable) -> None:
    assert judge.fails("金穗花园", "金岁花园") == 1.0
    assert judge.fails("棠东小学", "枫林书店") < 1e-9
    assert judge.fails("跑马场", "马场") < 0.05


def test_what_southern_speech_and_noise_merge_fails_more_often_than_what_they_keep(judge: Confusable) -> None:
    assert judge.fails("宁和小学", "林和小学") > 0.05 > judge.fails("宁和小学", "帮和小学")
    assert judge.fails("华夏A区", "华夏B区") < 0.02
    assert judge.fails("青石第三小学", "青石第四小学") < 0.02


def test_each_pair_of_units_is_told_once_with_its_names_most_alike(judge: Confusable) -> None:
    units = (
        Unit("k1", "金穗花园最小应急单元", ("大院",)),
        Unit("k2", "金岁花园最小应急单元", ("大园",)),
        Unit("k3", "海棠医院最小应急单元"),
        Unit("k4", "金碎花园", state="disabled"),
    )
    (pair,) = judge.pairs(Registry(units))
    assert (pair.unit_id, pair.other_id, pair.fails) == ("k1", "k2", 1.0)
    assert (pair.name, pair.other_name) in {("金穗花园", "金岁花园"), ("大院", "大园")}


def test_following_the_advice_parts_them(judge: Confusable) -> None:
    one = Unit("k1", "金穗花园", street="石牌街")
    other = Unit("k2", "金岁花园", street="棠下街", callsign="幺两")
    (pair,) = judge.pairs(Registry((one, other)))
    assert pair.advice == "call k1 石牌街金穗花园 and give it that alias"
    assert judge.fails("石牌街金穗花园", "棠下街金岁花园") < 0.01

    nowhere = (replace(one, street=""), replace(other, street=""))
    (pair,) = judge.pairs(Registry(nowhere))
    assert pair.advice == "give k1 the callsign 洞幺两"
    with_callsigns = (replace(nowhere[0], callsign="洞幺两"), nowhere[1])
    (pair,) = judge.pairs(Registry(with_callsigns))
    assert pair.advice == "on the air say 洞幺两 and 幺两"


def test_callsigns_are_judged_as_they_are_said_on_the_radio(judge: Confusable) -> None:
    # yi and qi are near each other, yao and guai are not
    units = (Unit("a", "枫林书店", callsign="31"), Unit("b", "望海酒店", callsign="37"))
    assert judge.pairs(Registry(units)) == ()


def test_no_pair_is_missed_among_many(judge: Confusable) -> None:
    rng = random.Random(5)
    syllables = "金京今穗岁花华圆林宁零青清三山商张章长市石"
    names = sorted({"".join(rng.choices(syllables, k=rng.choice((2, 3)))) for _ in range(300)})
    units = [Unit(f"u{k}", name) for k, name in enumerate(names)]
    found = {(p.name, p.other_name) for p in judge.pairs(Registry(tuple(units)), 0.3)}

    expected = {
        pair for pair in combinations(names, 2) if max(judge.fails(*pair), judge.fails(*pair[::-1])) >= 0.3
    }
    missed = {pair for pair in expected if pair not in found and pair[::-1] not in found}
    assert len(expected) > 10
    assert len(missed) <= 0.02 * len(expected)
