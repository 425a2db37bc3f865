"""A second made-up registry, named as cities name things: families of names, roads, numbers, short forms.

The first (`tools.registry`) pairs two characters with a kind; this one has what makes real registers hard:
one name for an estate, its school and its market, A座 beside B座, roads with east and west, third hospitals,
and short forms that people say instead. No two units sound alike without tones: a station could not tell such
a pair apart either, and `units confusable` would say so.

    python -m tools.cityregistry units.csv [--seed 11] [--scale 1]
"""

import argparse
import random
from collections.abc import Sequence
from pathlib import Path

from gateway.model import Unit
from gateway.understand.names import unit_forms
from gateway.understand.pinyin import syllables
from gateway.understand.registry import units_to_csv
from tools.registry import CLASS_COUNTS

# ruff: noqa: E501, SIM905 - word lists read best as they are

STREETS = tuple(
    "临桥街 白沙街 松岗街 新港街 江头街 河西街 南站街 北亭街 彩云街 登峰街 东濠街 西关街 龙津街 海棠街 花桥街 金沙街 鹭江街 青龙街 棠下里街 石围塘街 大塘街".split()
)
_FAMILIES = tuple(
    "阳光 和平 东方 滨江 时代 锦江 恒丰 中天 新世界 金源 世纪 瑞景 南国 北苑 御景 天誉 保利达 万象 星河 名雅 汇景 帝景 尚东 领秀 云顶 "
    "翠湖 碧水 银座 富力丰 合生源 逸景 丽江 枫叶 橡树 香榭 格林 罗马 威尼斯 剑桥 爱丁 奥园 远洋 海珠 岭南 珠光 越秀湾 荔湾 芳村 天鹿 火凤 "
    "麒麟 白云 红星 光明 胜利 建设 友谊 解放 人民 团结 劳动 工农 朝阳 春晖 育才 启明 培正 执信 广雅 民航 铁路 邮电 纺织 造船 机床 "
    "石化 农机 水产 粮油 茶叶 陶瓷 珠宝 皮革 玩具 家电 五金 灯饰 文具 图文 花卉 水果 海鲜 药材 布匹 二手车".split()
)
_FIRST = "安白宝碧昌长朝辰成诚川春翠达大德东恩芳飞丰凤福富岗高谷光广桂海汉和河荷恒红鸿虎华怀惠嘉建江金锦景静九君康兰黎立良林龙鲁绿罗茂梅美民明南宁鹏平棋千谦青清庆琼仁荣瑞三沙山上邵深沈盛石曙双顺松泰棠腾天田同万望文武西仙咸祥小新兴秀旭轩雅燕阳尧夜宜义银颖永友余玉誉元圆远月云蕴泽湛振正知志中竹卓紫"
_SECOND = "安坝浜宝堡北滨波昌畅潮城池川村达岛堤店东渡墩坊峰福港阁宫沟谷关馆桂海和河泓湖花华环汇基集际家涧江礁街津景境居军坑口葵廊澜里梁林岭龙楼路麓轮门苗沐南培坪坡浦桥泉裙仁容沙山上社圣石市水顺台塘田廷亭头湾旺围乌溪厦祥新星秀轩丫崖岩阳洋尧业颐音营映涌园源苑悦云寨洲庄"
_KINDS: dict[str, tuple[tuple[str, ...], ...]] = {
    "A": (
        ("小学", "中学", "幼儿园", "实验小学", "外国语学校", "职业技术学校", "附属中学"),
        ("医院", "卫生服务中心", "门诊部", "口腔医院", "中医院", "妇幼保健院"),
        ("图书馆", "少年宫", "养老院", "体育馆"),
    ),
    "B": (
        ("酒店", "大酒店", "宾馆", "公寓", "酒楼", "饭店"),
        ("大厦", "中心", "国际大厦", "商务中心", "科技园", "创意园", "产业园"),
        ("银行", "支行", "加油站", "物流园", "客运站", "地铁站", "仓库", "停车场"),
    ),
    "C": (
        ("小区", "花园", "新村", "苑", "雅苑", "华庭", "家园", "新城", "公馆"),
        ("社区", "居委会", "村委会", "村", "里社区", "宿舍大院"),
        ("山庄", "豪庭", "名都", "广场住宅"),
    ),
    "D": (
        ("市场", "农贸市场", "肉菜市场", "批发市场", "花鸟市场", "茶叶城", "建材城"),
        ("超市", "商场", "百货", "购物中心", "步行街", "美食城", "奥特莱斯"),
        ("公园", "广场", "文化广场", "体育公园", "码头"),
    ),
}
_TAILS = {
    "A": ("东校区", "北校区", "分院", "南院", "二部"),
    "B": ("A座", "B座", "C座", "南塔", "北塔", "二期", "1号楼", "2号楼"),
    "C": ("A区", "B区", "C区", "D区", "一期", "二期", "三期", "东区", "西区", "南门", "北门"),
    "D": ("东门", "西门", "一店", "二店", "南区", "北区", "负一层"),
}
_ROADS = ("路", "东路", "西路", "南路", "北路", "大道", "街", "一路", "二路", "三路", "横路", "中路")
_SHORTER = (
    ("农贸市场", "市场"), ("肉菜市场", "市场"), ("批发市场", "市场"), ("购物中心", "中心"), ("大酒店", "酒店"),
    ("卫生服务中心", "卫生中心"), ("职业技术学校", "职校"), ("外国语学校", "外校"), ("实验小学", "小学"), ("小学", "小"),
    ("幼儿园", "幼"), ("国际大厦", "大厦"), ("花园", ""), ("小区", ""), ("社区居委会", "社区"), ("附属中学", "附中"),
)  # fmt: skip
_DIGITS = str.maketrans("0123456789", "洞幺两三四五六拐八勾")


def city_units(seed: int = 11, scale: int = 1) -> tuple[Unit, ...]:
    """2,702 × `scale` units in 21 streets; two fifths have a callsign, a quarter an alias, some are off."""
    rng = random.Random(f"city/{seed}")
    taken: set[tuple[int, ...]] = set()
    units: list[Unit] = []
    for unit_class, count in CLASS_COUNTS.items():
        wanted = len(units) + count * scale
        while len(units) < wanted:
            unit = _unit(rng, len(units) + 1, unit_class)
            sounds = {tuple(syllables(form.text).codes.tolist()) for form in unit_forms(unit)}
            if not sounds & taken:
                taken |= sounds
                units.append(unit)
    return tuple(units)


def _unit(rng: random.Random, number: int, unit_class: str) -> Unit:
    place = rng.randrange(len(STREETS))
    name = _name(rng, unit_class, STREETS[place])
    short = next((name[: -len(a)] + b for a, b in _SHORTER if name.endswith(a)), "")
    aliases = (short,) if len(short) > 2 and rng.random() < 0.4 else ()
    row, column = divmod(place, 5)
    return Unit(
        unit_id=f"c{number:05d}",
        name=name + ("最小应急单元" if rng.random() < 0.5 else ""),
        aliases=aliases,
        unit_class=unit_class,
        street=STREETS[place],
        lat=round(23.08 + 0.03 * row + rng.random() * 0.03, 5),
        lon=round(113.28 + 0.03 * column + rng.random() * 0.03, 5),
        duty_headcount=rng.randint(2, 12),
        state=rng.choices(("active", "holiday", "disabled"), (96, 2, 2))[0],
        callsign=f"{number:04d}".translate(_DIGITS) if rng.random() < 0.4 else "",
        radio_ids=(),
    )


def _name(rng: random.Random, unit_class: str, street: str) -> str:
    roll = rng.random()
    if roll < 0.3:
        stem = rng.choice(_FAMILIES)
    elif roll < 0.42:
        stem = street.removesuffix("街")
    else:
        stem = rng.choice(_FIRST) + rng.choice(_SECOND)
        if rng.random() < 0.12:
            stem += rng.choice(_SECOND)
    if rng.random() < 0.12:
        stem += rng.choice(_ROADS)
    if rng.random() < 0.06:
        stem += f"第{rng.choice('一二三四五六七八')}"
    kind = rng.choice(rng.choice(_KINDS[unit_class]))
    tail = rng.choice(_TAILS[unit_class]) if rng.random() < 0.18 else ""
    return stem + kind + tail


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("csv", type=Path, help="where to write the registry")
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--scale", type=int, default=1, help="10 gives 27,020 units")
    options = parser.parse_args(arguments)
    units = city_units(options.seed, options.scale)
    options.csv.write_text(units_to_csv(units), encoding="utf-8")
    print(f"{len(units)} units in {len(STREETS)} streets written to {options.csv}")


if __name__ == "__main__":
    main()
