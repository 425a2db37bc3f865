"""What is said of what is written: letters one by one, runs of digits as a radio operator reads them. Pure.

A voice made for prose reads 119 as a hundred and nineteen and swallows a lone letter. On the air a number is
either an amount (12人, 3.5公里), which is read as one, or a name (119, 01279), whose digits are read one by
one as 洞幺两三四五六拐八勾, because 一 and 七 sound alike through a narrow channel.
"""

import re
import unicodedata

LETTERS = {
    **dict(zip("ABCDEFGHI", ["诶", "必", "西", "地", "伊", "艾弗", "记", "艾尺", "爱"], strict=True)),
    **dict(zip("JKLMNOPQR", ["杰", "开", "艾勒", "艾姆", "恩", "欧", "披", "丘", "啊"], strict=True)),
    **dict(zip("STUVWXYZ", ["艾斯", "踢", "优", "微", "达布溜", "艾克斯", "歪", "贼"], strict=True)),
}
"""How a radio operator says Latin letters; a phonemiser drops or mispronounces them."""
RADIO_DIGITS = dict(zip("0123456789", "洞幺两三四五六拐八勾", strict=True))
PLAIN_DIGITS = dict(zip("0123456789", "零幺二三四五六七八九", strict=True))
_NUMERALS = "零一二三四五六七八九"
_MEASURES = "人名个台辆件次米元岁户"
"""What counts things whatever its number; before 号, 楼 or 年 a long number is a name."""
_NAMES = "110|119|120|122|999"
_TIME = re.compile(r"(?<!\d)([01]?\d|2[0-3]):([0-5]\d)(?!\d)", re.ASCII)
_PERCENT = re.compile(r"(\d+(?:\.\d+)?)%", re.ASCII)
_DECIMAL = re.compile(r"(?<![\d.])(\d+)\.(\d+)(?![\d.])", re.ASCII)
_AMOUNT = re.compile(rf"(?<!\d)(?!(?:{_NAMES})(?!\d))([1-9]\d{{2,3}})(?=[{_MEASURES}])", re.ASCII)
_RUN = re.compile(r"\d{3,}", re.ASCII)
_SHORT = re.compile(r"\d{1,2}", re.ASCII)
_LETTER = re.compile(r"[A-Za-z]")
_UNREADABLE = re.compile(r"[^\w\s，。！？；：、,.!?;:\-]")
_MOST_AMOUNT = 9999


def spoken_form(text: str, *, radio_digits: bool = False) -> str:
    """Write out what a radio operator says, as characters every voice reads.

    Runs of three or more digits are names, read digit by digit (洞幺两拐勾 with `radio_digits`, else
    零幺二七九) unless what follows counts something (100人); shorter ones are amounts (12人 is 十二人).
    """
    text = "".join(unicodedata.normalize("NFKC", char) if _is_wide(char) else char for char in text)
    digits = RADIO_DIGITS if radio_digits else PLAIN_DIGITS
    text = _TIME.sub(_time, text)
    text = _PERCENT.sub(lambda found: "百分之" + found.group(1), text)
    text = _DECIMAL.sub(_decimal, text)
    text = _AMOUNT.sub(lambda found: amount(int(found.group())), text)
    text = _RUN.sub(lambda run: "".join(digits[digit] for digit in run.group()), text)
    text = _SHORT.sub(_short, text)
    text = _LETTER.sub(lambda letter: LETTERS[letter.group().upper()], text)
    return _UNREADABLE.sub(" ", text).strip()


def _is_wide(char: str) -> bool:
    """Whether a character has a plain form; a comma stays what it is, a pause."""
    return char in "．％：" or unicodedata.category(char)[0] in "LN"


def folded(text: str) -> str:
    """Return a text without what makes no difference to the ear: width, case, spaces, punctuation."""
    folded_text = unicodedata.normalize("NFKC", text).casefold()
    return "".join(char for char in folded_text if unicodedata.category(char)[0] in "LN")


def clauses(text: str) -> list[str]:
    """Cut a text where a speaker pauses."""
    return [clause for clause in re.split(r"[，。！？；：、,!?;:\s]+", text) if folded(clause)]


def amount(value: int) -> str:
    """Write an amount from 0 to 9999 in characters: 104 is 一百零四.

    Raises ValueError when it is out of range.
    """
    if not 0 <= value <= _MOST_AMOUNT:
        raise ValueError(f"{value} is not from 0 to {_MOST_AMOUNT}")
    if value < 10:  # noqa: PLR2004 - one digit
        return _NUMERALS[value]
    written, is_gap = "", False
    for unit, name in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit, value = divmod(value, unit)
        if digit:
            written += ("零" if is_gap else "") + _NUMERALS[digit] + name
            is_gap = False
        elif written:
            is_gap = True
    return written.removeprefix("一") if written.startswith("一十") else written


def _time(found: re.Match[str]) -> str:
    hours, minutes = int(found.group(1)), int(found.group(2))
    if not minutes:
        return f"{amount(hours)}点整"
    return f"{amount(hours)}点{'零' if minutes < 10 else ''}{amount(minutes)}分"  # noqa: PLR2004 - 八点零五分


def _decimal(found: re.Match[str]) -> str:
    whole, fraction = int(found.group(1)), found.group(2)
    if whole > _MOST_AMOUNT:
        return found.group()
    return amount(whole) + "点" + "".join(_NUMERALS[int(digit)] for digit in fraction)


def _short(found: re.Match[str]) -> str:
    written = found.group()
    if len(written) > 1 and written.startswith("0"):
        return "".join(RADIO_DIGITS[digit] for digit in written)
    return amount(int(written))
