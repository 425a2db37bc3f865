"""Take out of pypinyin how characters are read, and the phrases that read one otherwise than alone.

    python -m tools.polyphones          # writes readings.json and polyphones.json into gateway/understand

pypinyin costs 11 MB, all of its 47,000 phrases 58 MB more and a second at each start; the characters of those
left out are read the same alone. Where two phrases run into each other a reading may still change (执行 +
情况 holds 行情): in 4 of 5,766 texts of the corpora. Run it again when pypinyin is upgraded.
"""

import json
from pathlib import Path

from pypinyin import Style, lazy_pinyin, pinyin
from pypinyin.constants import PHRASES_DICT, PINYIN_DICT
from pypinyin.seg import mmseg

Readings = dict[str, tuple[str, ...]]
ROOM = Path(__file__).resolve().parents[1] / "gateway" / "understand"
LAST = 0x9FFF
"""The characters beyond the first plane's are in no unit's name and no recogniser's vocabulary."""


def readings(text: str) -> tuple[str, ...]:
    return tuple(said[0] for said in pinyin(text, style=Style.TONE))


def main() -> None:
    write("readings.json", characters())
    everything: Readings = {phrase: readings(phrase) for phrase in sorted(PHRASES_DICT)}
    written = dict(PHRASES_DICT)
    kept: set[str] = set()
    while wrong := missing(everything, written, kept):
        # a phrase left out may be cut otherwise by those that stay, so look again until none is
        kept |= wrong
    print(f"{len(kept)} of {len(everything)}")
    write(
        "polyphones.json",
        {phrase: " ".join(said[0] for said in written[phrase]) for phrase in sorted(kept)},
    )


def write(name: str, table: object) -> None:
    text = json.dumps(table, ensure_ascii=False, indent=0)
    (ROOM / name).write_text(text + "\n", encoding="utf-8")


def characters() -> dict[str, list[str]]:
    """Each syllable's characters: those read so only, and those whose first reading it is."""
    table: dict[str, list[str]] = {}
    for point in sorted(PINYIN_DICT):
        if point > LAST:
            break
        several = len(pinyin(chr(point), heteronym=True)[0]) > 1
        table.setdefault(lazy_pinyin(chr(point))[0], ["", ""])[several] += chr(point)
    return dict(sorted(table.items()))


def missing(everything: Readings, written: dict[str, list[list[str]]], kept: set[str]) -> set[str]:
    """Phrases that are read otherwise when only `kept` are known."""
    PHRASES_DICT.clear()
    PHRASES_DICT.update({phrase: written[phrase] for phrase in kept})
    mmseg.seg = mmseg.Seg(mmseg.PrefixSet(), no_non_phrases=True)
    mmseg.retrain(mmseg.seg)
    return {phrase for phrase, read in everything.items() if phrase not in kept and readings(phrase) != read}


if __name__ == "__main__":
    main()
