"""Sentences to train the phone head on: every syllable, names nobody has heard, and the words of the trade.

None of these sentences or names is used by `tools/corpus.py`: the head is judged on sentences, units and
voices it never met. A text is a pure function of its index.
"""

import random
import re
from pathlib import Path

import yaml
from pypinyin import lazy_pinyin

from gateway.understand.phones import syllable_phones

# ruff: noqa: E501, SIM905 - word lists read best as they are

LEXICON = Path(__file__).resolve().parents[2] / "config" / "lexicon.yaml"
_KINDS = tuple(
    "小区 花园 酒店 大厦 中学 小学 幼儿园 医院 社区 村 市场 广场 公园 商场 银行 工业园 物业 商务中心 服装城 加油站 "
    "客运站 地铁站 卫生院 电脑城 书店 药房 超市 饭店 公寓 新村 学院 体育馆 图书馆 派出所 居委会 仓库 码头 码头路口".split()
)
_SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许邓冯韩曹曾彭萧蔡潘田董袁于余叶蒋杜苏魏程吕丁沈"
)
_FRAMES = (
    "{n}，{n}，{m}，请回话",
    "我这边是{n}，{m}的人也来了",
    "{n}报，{p}",
    "指挥中心，{n}最小应急单元，{p}",
    "指挥中心，这里{n}，{l}{p}，{p}",
    "{n}单元，在岗{q}人，{p}",
    "{p}，{p}",
    "从{n}到{m}，{p}",
    "{p}，位置在{n}{l}",
    "{m}和{n}，{p}",
    "中心中心，{n}有事，{p}",
    "{d}，{d}，{n}",
    "{n}{l}，{d}，{p}",
    "{p}，叫{n}过去，{p}",
    "{r}，{r}，{r}",
    "{r}{n}，{r}{m}",
    "{n}，现有{q}人，{p}",
    "{s}{r}住在{n}{l}，电话{d}",
)


def syllable_table() -> dict[str, list[str]]:
    """Common characters by toneless syllable; the most frequent are level one of GB 2312, here in code order."""
    table: dict[str, list[str]] = {}
    for high in range(0xB0, 0xD8):
        for low in range(0xA1, 0xFF):
            try:
                character = bytes((high, low)).decode("gb2312")
            except UnicodeDecodeError:
                continue
            syllable = lazy_pinyin(character)[0]
            if syllable_phones(syllable):
                table.setdefault(syllable, []).append(character)
    return table


def phrases() -> list[str]:
    """Every spoken form in the lexicon, longest lists first as they stand."""
    found: list[str] = []

    def walk(node: object) -> None:
        if isinstance(node, dict):
            for key, value in node.items():
                if key == "synonyms" and isinstance(value, list):
                    found.extend(str(v) for v in value)
                else:
                    walk(value)
        elif isinstance(node, list):
            for value in node:
                walk(value)

    walk(yaml.safe_load(LEXICON.read_text(encoding="utf-8")))
    return [p for p in dict.fromkeys(found) if re.fullmatch(r"[\u4e00-\u9fff0-9A-Za-z]{2,10}", p)]


class Texts:
    """The endless, seeded list of training sentences."""

    def __init__(self, seed: int = 0) -> None:
        self._seed = seed
        self._table = syllable_table()
        self._syllables = sorted(self._table)
        self._phrases = phrases()

    def __getitem__(self, index: int) -> str:
        rng = random.Random(f"{self._seed}/{index}")
        frame = rng.choice(_FRAMES)
        return re.sub(r"\{(.)\}", lambda slot: self._fill(slot.group(1), rng), frame)

    def _fill(self, slot: str, rng: random.Random) -> str:  # noqa: PLR0911 - one return for each slot
        if slot in "nm":
            return self._name(rng)
        if slot == "p":
            return self.phrase(rng)
        if slot == "r":
            return self.nonsense(rng, rng.randint(2, 5))
        if slot == "d":
            digits = rng.choice(("洞幺两三四五六拐八勾", "零幺二三四五六七八九"))
            return "".join(rng.choice(digits) for _ in range(rng.randint(2, 6)))
        if slot == "q":
            return str(rng.randint(1, 20))
        if slot == "s":
            return rng.choice(_SURNAMES)
        return rng.choice(
            (
                f"{rng.randint(1, 30)}号楼", f"{rng.randint(1, 20)}栋{rng.randint(1, 30)}楼",
                f"{rng.choice('ABCDEFGHKLMN')}座", f"{rng.choice('ABCDEF')}区", f"{rng.randint(1, 9)}号门",
                f"{rng.randint(1, 5)}期", rng.choice(("东门", "西门", "南门", "北侧", "楼顶", "地下车库", "天台")),
            )
        )  # fmt: skip

    def phrase(self, rng: random.Random) -> str:
        """Any spoken form of the lexicon."""
        return rng.choice(self._phrases)

    def nonsense(self, rng: random.Random, count: int) -> str:
        """Characters for `count` syllables drawn one as likely as another."""
        # a uniform draw over syllables, not characters, so that rare ones are heard as often as common ones
        return "".join(rng.choice(self._table[rng.choice(self._syllables)]) for _ in range(count))

    def _name(self, rng: random.Random) -> str:
        name = self.nonsense(rng, rng.choice((2, 2, 2, 3, 3, 4)))
        if rng.random() < 0.75:
            name += rng.choice(_KINDS)
        if rng.random() < 0.2:
            name += rng.choice(
                ("A区", "B区", "C区", "D区", "A座", "B座", "一期", "二期", "三期", "东区", "西区")
            )
        return name
