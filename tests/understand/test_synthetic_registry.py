"""The resolver among 2,702 names: what it gets right, what it gets wrong, how long it takes."""

import random
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from gateway.model import Unit
from gateway.understand.names import bare_name
from gateway.understand.normalise import normalise
from gateway.understand.pinyin import SYMBOLS, syllables, symbol_costs
from gateway.understand.registry import Registry, parse_units_csv, units_to_csv
from gateway.understand.resolve import Resolver
from tools.registry import CLASS_COUNTS, STREETS, main, synthetic_units

TEXT_ONLY_LIMIT_S = 0.005
SLACK = 5
CHARACTERS = (
    "的一是不了人我在有他这中大来上国个到说们为子和你地出道也时年得就那要下以生会自着去之过家学对可里后小么心多天"
    "而能好都然没日于起还发成事只作当想看文无开手十用主行方又如前所本见经头面公同三已老从动两长知民样现分将外但身"
    "些与高意进把法此实回二理美点月明其种声全工己话儿者向情部正名定女问力机给等几很业最间新什打便位因重被走电四第"
    "门相次东政海口使教西再平真听世气信北少关并内加化由却代军产入先山五太水万市眼体别处总才场师书比住员九笑性通目"
    "华报立马命张活难神数件安表原车白应路期叫死常提感金何更反合放做系计或司利受光王果亲界及今京务制解各任至清物台"
)
SENTENCES = (
    "指挥中心，我是{}最小应急单元，有紧急情况汇报",
    "{}收到，在岗三人，一切正常",
    "{}最小应急单元，两人已打卡上岗，情况正常",
    "指挥中心，{}报告，门口有人打架，请求支援",
    "指挥中心，{}呼叫，收到请回答",
    "收到，{}明白，正在前往现场",
)


@pytest.fixture(scope="module")
def units() -> tuple[Unit, ...]:
    return synthetic_units()


@pytest.fixture(scope="module")
def resolver(units: tuple[Unit, ...]) -> Resolver:
    return Resolver(Registry(units), "指挥中心")


def misheard(text: str, rate: float, rng: random.Random) -> str:
    """`text` as a poor recogniser writes it: characters swapped for others that sound the same or nearly."""
    known = [c for c in CHARACTERS if len(syllables(c))]
    sounds = np.array([int(syllables(c).codes[0]) for c in known])
    out = []
    for char in text:
        said = syllables(char)
        if not len(said) or SYMBOLS[int(said.codes[0])].isdigit() or rng.random() > rate:
            out.append(char)
            continue
        near = np.exp(-symbol_costs()[int(said.codes[0]), sounds] / 0.1)
        out.append(rng.choices(known, near.tolist())[0])
    return "".join(out)


def test_the_registry_has_the_districts_shape(units: tuple[Unit, ...]) -> None:
    assert Counter(u.unit_class for u in units) == Counter(CLASS_COUNTS)
    assert len({u.name for u in units}) == len({u.unit_id for u in units}) == 2702
    assert {u.street for u in units} == set(STREETS)
    assert {u.state for u in units} == {"active", "holiday", "disabled"}
    assert any(u.aliases for u in units)
    assert any(u.callsign for u in units)
    assert units == synthetic_units()
    assert units != synthetic_units(seed=8)


def test_the_script_writes_the_contracts_csv(tmp_path: Path, units: tuple[Unit, ...]) -> None:
    main([str(tmp_path / "units.csv")])
    data = (tmp_path / "units.csv").read_bytes()
    assert parse_units_csv(data, "units.csv") == units
    assert units_to_csv(units).encode() == data


def test_registered_names_spoken_plainly_are_found(resolver: Resolver, units: tuple[Unit, ...]) -> None:
    rng = random.Random(1)
    outcomes: Counter[str] = Counter()
    for unit in rng.sample([u for u in units if u.state == "active"], 150):
        caller = resolver.resolve(normalise(rng.choice(SENTENCES).format(bare_name(unit.name)))).caller
        outcomes["right" if caller.unit_id == unit.unit_id else caller.status] += 1
    assert outcomes["matched"] == 0, "a wrong unit"
    assert outcomes["right"] >= 140, outcomes


@pytest.mark.parametrize(("rate", "least_right"), [(0.15, 0.7), (0.3, 0.45)])
def test_misheard_names_are_found_or_doubted_but_not_swapped(
    resolver: Resolver, units: tuple[Unit, ...], rate: float, least_right: float
) -> None:
    rng = random.Random(2)
    outcomes: Counter[str] = Counter()
    sample = rng.sample([u for u in units if u.state == "active"], 120)
    for unit in sample:
        text = misheard(rng.choice(SENTENCES).format(bare_name(unit.name)), rate, rng)
        caller = resolver.resolve(normalise(text)).caller
        outcomes["right" if caller.unit_id == unit.unit_id else caller.status] += 1
    print(f"\nmisheard {rate:.0%}: {dict(outcomes)} ('matched' is a wrong unit)")  # noqa: T201
    assert outcomes["right"] >= least_right * len(sample), outcomes
    assert outcomes["matched"] <= 0.02 * len(sample), outcomes


def test_units_that_are_not_registered_are_not_made_up(units: tuple[Unit, ...]) -> None:
    known, others = units[::2], units[1::2]
    half = Resolver(Registry(known), "指挥中心")
    rng = random.Random(3)
    wrong = 0
    sample = rng.sample(others, 120)
    for unit in sample:
        caller = half.resolve(normalise(rng.choice(SENTENCES).format(bare_name(unit.name)))).caller
        wrong += caller.status == "matched"
    print(f"\nunregistered callers taken for a registered unit: {wrong} of {len(sample)}")  # noqa: T201
    assert wrong <= 0.15 * len(sample)


def test_ordinary_talk_names_nobody(resolver: Resolver) -> None:
    talk = (
        "中午一起去食堂吃饭吧，听说今天有红烧肉",
        "快递放在门卫室了，你下班的时候记得来拿",
        "今天气温三十二度，午后有雷阵雨，请市民注意出行安全",
        "昨天晚上的球赛你看了没有，最后一分钟进了球",
        "这个月的工资什么时候发，我想请两天假回老家",
        "谢谢观看，请不吝点赞订阅转发",
        "收到，明白，完毕",
    )
    for text in talk:
        parties = resolver.resolve(normalise(text))
        assert (parties.caller.status, parties.callee.status) != ("matched", "matched")
        assert parties.caller.unit_id is None, text
        assert parties.callee.unit_id is None, text


def test_resolving_is_quick(resolver: Resolver, units: tuple[Unit, ...]) -> None:
    rng = random.Random(4)
    tail = "，有一名男子在六号楼楼顶情绪激动，需要消防公安和急救马上支援"
    taken = []
    for unit in rng.sample(units, 100):
        text = normalise(SENTENCES[0].format(bare_name(unit.name)) + tail)[:60]
        began = time.thread_time()
        resolver.resolve(text)
        taken.append(time.thread_time() - began)
    p95_s = float(np.percentile(taken, 95))
    p50_s = float(np.median(taken))
    print(f"\n60 characters, 2,702 units: p50 {p50_s * 1e3:.1f} ms, p95 {p95_s * 1e3:.1f} ms")  # noqa: T201
    assert p95_s < SLACK * TEXT_ONLY_LIMIT_S
