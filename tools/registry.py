"""A made-up registry of 2,702 units in 21 streets, for tests, benches and calls; no place in it is real.

`synthetic_units(seed)` gives the same units for the same seed. As a script it writes the contract's CSV:
`python -m tools.registry units.csv [--seed 7] [--scale 1]`.
"""

import argparse
import random
from collections.abc import Sequence
from pathlib import Path

from gateway.model import Unit
from gateway.understand.registry import units_to_csv

CLASS_COUNTS = {"A": 709, "B": 687, "C": 572, "D": 734}
STREETS = (
    "松涛街", "白鹭街", "麦坪街", "云桥街", "青榕街", "沙渡街", "鹤鸣街", "望江街", "棠溪街", "柳塘街",
    "红棉街", "银湖街", "东圃台街", "梅坑街", "珠岗街", "龙眼洞街", "天桥街", "新塘尾街", "凤岭街",
    "石井坊街", "前滩街",
)  # fmt: skip
_FIRST = tuple(
    "华云金银碧翠锦绣兰竹松柏梅桂荷莲鹤凤龙鹏麒瑞祥福禄康宁安泰和顺盛兴隆昌达通汇聚恒永嘉宏博启明晨曦"
    "朝阳星月辰天地海江河湖溪泉山岭岗峰石玉珠宝丰裕富贵雅逸清澄蓝紫丹彩虹霞"
)
_SECOND = tuple(
    "园苑庭轩阁台亭桥塘湾洲岛港浦渡源景城都府邸里坊巷村庄堡寨坪坡谷林木森花草叶香芳馨悦怡乐欢庆春夏"
    "秋冬南北东西中新成业发展信诚德仁义智勇文武英杰才子"
)
_KINDS: dict[str, tuple[tuple[str, ...], ...]] = {
    "A": (
        ("小学", "中学", "幼儿园", "职业学校"),
        ("医院", "卫生院", "社区医院", "门诊部"),
        ("实验小学", "外国语学校"),
    ),
    "B": (
        ("酒店", "宾馆", "大厦", "商务中心"),
        ("银行", "加油站", "物流园", "科技园"),
        ("广告公司", "印刷厂", "写字楼"),
    ),
    "C": (
        ("小区", "花园", "新村", "公馆"),
        ("华庭", "雅苑", "豪庭", "家园"),
        ("A区", "B区", "C区", "东区", "西区"),
    ),
    "D": (
        ("肉菜市场", "农贸市场", "批发市场"),
        ("超市", "商场", "百货", "购物广场"),
        ("公园", "广场", "美食街"),
    ),
}
_ORDINALS = ("一", "二", "三", "四", "五", "六", "七", "八", "九", "十")
_RADIO_DIGITS = str.maketrans("01279", "洞幺两拐勾")


def synthetic_units(seed: int = 7, scale: int = 1) -> tuple[Unit, ...]:
    """2,702 × `scale` units with distinct names; a third have aliases, a quarter callsigns, some are off."""
    rng = random.Random(seed)
    taken: set[str] = set()
    units: list[Unit] = []
    for unit_class, count in CLASS_COUNTS.items():
        for _ in range(count * scale):
            units.append(_unit(rng, len(units) + 1, unit_class, taken))
    return tuple(units)


def _unit(rng: random.Random, number: int, unit_class: str, taken: set[str]) -> Unit:
    street_number = rng.randrange(len(STREETS))
    street = STREETS[street_number]
    core, name = _name(rng, unit_class, street, taken)
    aliases = [core] if rng.random() < 0.2 and len(core) > 3 and core not in taken else []
    if rng.random() < 0.15:
        aliases.append(f"{name}保安队")
    taken.update(aliases)
    callsign = f"{number:04d}".translate(_RADIO_DIGITS) if rng.random() < 0.25 else ""
    row, column = divmod(street_number, 5)
    return Unit(
        unit_id=f"u{number:05d}",
        name=f"{name}最小应急单元",
        aliases=tuple(aliases),
        unit_class=unit_class,
        street=street,
        lat=round(23.08 + 0.03 * row + rng.random() * 0.03, 5),
        lon=round(113.28 + 0.03 * column + rng.random() * 0.03, 5),
        duty_headcount=rng.randint(2, 12),
        state=rng.choices(("active", "holiday", "disabled"), (95, 3, 2))[0],
        callsign=callsign,
        radio_ids=(f"mdc1200:{number:04X}",) if rng.random() < 0.1 else (),
    )


def _name(rng: random.Random, unit_class: str, street: str, taken: set[str]) -> tuple[str, str]:
    """A spoken core (玉泉小学) and the registered name around it, neither used before."""
    while True:
        stem = rng.choice(_FIRST) + rng.choice(_SECOND)
        if rng.random() < 0.25:
            stem += rng.choice(_FIRST) + rng.choice(_SECOND)
        kind = rng.choice(rng.choice(_KINDS[unit_class]))
        roll = rng.random()
        if unit_class == "A" and roll < 0.15:
            stem += f"第{rng.choice(_ORDINALS)}"
        core = stem + kind
        name = street.removesuffix("街") + core if roll > 0.85 else core
        if name not in taken and core not in taken:
            taken.update((name, core))
            return core, name


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("csv", type=Path, help="where to write the registry")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--scale", type=int, default=1, help="10 gives 27,020 units")
    options = parser.parse_args(arguments)
    units = synthetic_units(options.seed, options.scale)
    options.csv.write_text(units_to_csv(units), encoding="utf-8")
    print(f"{len(units)} units in {len(STREETS)} streets written to {options.csv}")


if __name__ == "__main__":
    main()
