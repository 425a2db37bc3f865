import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.understand.normalise import normalise

NUMERALS = "洞幺两拐勾零〇一二三四五六七八九十百千万0123456789"
AROUND = "第周几人名个位号楼单元层路口角分钟起切下达统栋AB,。 负地一"


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("幺幺洞", "110"),
        ("请求幺两洞到场", "请求120到场"),
        ("一一九", "119"),
        ("洞三呼叫幺洞幺", "03呼叫101"),
        ("幺幺洞一起出动", "110一起出动"),
        ("三十五人", "35人"),
        ("一百零三", "103"),
        ("两百五十人", "250人"),
        ("一千零五", "1005"),
        ("一百二", "120"),
        ("二十四小时", "24小时"),
        ("十个人", "10个人"),
        ("两人上岗", "2人上岗"),
        ("应到五人，实到四人", "应到5人,实到4人"),
        ("六号楼三单元五零二室", "6号楼3单元502室"),
        ("拐号楼", "7号楼"),
        ("负一层", "负1层"),
        ("地下二层", "地下2层"),
        ("三十分钟", "30分钟"),
    ],
)
def test_spoken_numbers_become_digits(raw: str, text: str) -> None:
    assert normalise(raw) == text


@pytest.mark.parametrize(
    "text",
    [
        "一切正常",
        "一起打架",
        "第一中学",
        "第三十五中学",
        "洞口",
        "山洞两侧",
        "拐角",
        "往前拐一下",
        "三亚",
        "四川",
        "万达广场",
        "稍等一下",
        "统一行动",
        "十分紧急",
        "十字路口",
        "千万小心",
        "十万火急",
        "乱七八糟",
        "五一路",
        "三三两两",
        "五六个人持刀",
        "两三名男子",
        "三四十人",
        "几十人围观",
        "十几人",
        "周三人员到位",
        "B1一人",
    ],
)
def test_numerals_in_ordinary_words_and_guesses_stay(text: str) -> None:
    assert normalise(text) == text


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("ＡＢ１２！？，。", "AB12!"),
        ("收到。請講", "收到.请讲"),
        ("這裡是錦繡家園", "这里是锦绣家园"),
        ("指 挥 中 心 ， 收 到", "指挥中心,收到"),
        ("我是 Olympic Plaza 保安", "我是Olympic Plaza保安"),
        ("东门、西门；北门：正常", "东门,西门,北门,正常"),
        ("在12:30集合", "在12:30集合"),
        ("“误报”……完毕", "误报.完毕"),
        ("  。，收到", "收到"),
        ("锦华a区", "锦华a区"),
        ("", ""),
        ("　", ""),
    ],
)
def test_characters_punctuation_and_spaces(raw: str, text: str) -> None:
    assert normalise(raw) == text


@given(st.text(alphabet=NUMERALS + AROUND, max_size=14))
@example("二百 一")
@example("一一人")
def test_normalising_twice_changes_nothing_in_numbers(raw: str) -> None:
    once = normalise(raw)
    assert normalise(once) == once


@given(st.text(max_size=40))
def test_normalising_twice_changes_nothing(raw: str) -> None:
    once = normalise(raw)
    assert normalise(once) == once


@given(st.integers(11, 9999).filter(lambda n: n not in {22, 3322}))  # 两两 and 三三两两 are words
def test_a_digit_string_read_on_the_air_comes_back(number: int) -> None:
    spoken = str(number).translate(str.maketrans("0123456789", "洞幺两三四五六拐八勾"))
    assert normalise(f"呼叫{spoken}收到") == f"呼叫{number}收到"
