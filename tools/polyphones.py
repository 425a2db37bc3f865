"""Pick out of pypinyin's phrases those that read a character otherwise than it is read alone.

    python -m tools.polyphones          # writes gateway/understand/polyphones.json

All 47,000 phrases cost the gateway 58 MB and a second at each start; the characters of those left out are
read the same alone. Where two phrases run into each other a reading may still change (执行 + 情况 holds
行情): in 4 of 5,766 texts of the corpora. Run it again when pypinyin is upgraded.
"""

import json
from pathlib import Path

from pypinyin import Style, pinyin
from pypinyin.constants import PHRASES_DICT
from pypinyin.seg import mmseg

Readings = dict[str, tuple[str, ...]]
OUT = Path(__file__).resolve().parents[1] / "gateway" / "understand" / "polyphones.json"


def readings(text: str) -> tuple[str, ...]:
    return tuple(said[0] for said in pinyin(text, style=Style.TONE))


def main() -> None:
    everything: Readings = {phrase: readings(phrase) for phrase in sorted(PHRASES_DICT)}
    written = dict(PHRASES_DICT)
    kept: set[str] = set()
    while wrong := missing(everything, written, kept):
        # a phrase left out may be cut otherwise by those that stay, so look again until none is
        kept |= wrong
    print(f"{len(kept)} of {len(everything)}")
    text = json.dumps(
        {phrase: " ".join(said[0] for said in written[phrase]) for phrase in sorted(kept)},
        ensure_ascii=False,
        indent=0,
    )
    OUT.write_text(text + "\n", encoding="utf-8")


def missing(everything: Readings, written: dict[str, list[list[str]]], kept: set[str]) -> set[str]:
    """Phrases that are read otherwise when only `kept` are known."""
    PHRASES_DICT.clear()
    PHRASES_DICT.update({phrase: written[phrase] for phrase in kept})
    mmseg.seg = mmseg.Seg(mmseg.PrefixSet(), no_non_phrases=True)
    mmseg.retrain(mmseg.seg)
    return {phrase for phrase, read in everything.items() if phrase not in kept and readings(phrase) != read}


if __name__ == "__main__":
    main()
