"""How Chinese characters are read: pypinyin with those of its phrases that change a reading.

All of pypinyin's phrases take 58 MB and a second to load; the rest of them say what the characters say
anyway. `polyphones.json` is made by tools/polyphones.py. Import pypinyin from here only.
"""

import json
import os
from importlib.resources import files

os.environ.setdefault("PYPINYIN_NO_PHRASES", "true")

from pypinyin import Style, lazy_pinyin, load_phrases_dict, pinyin

load_phrases_dict(
    {
        phrase: [[syllable] for syllable in reading.split()]
        for phrase, reading in json.loads(
            files(__package__).joinpath("polyphones.json").read_text(encoding="utf-8")
        ).items()
    }
)

__all__ = ["Style", "lazy_pinyin", "pinyin"]
