"""Signs that a recogniser wrote words nobody said. Pure: numbers and text in, reasons out.

Whisper fills noise with sentences from the subtitles it was trained on, and runs in circles when it is lost.
No single sign proves that; the strong ones (nobody spoke, a known sentence alone) take the words away, the
others stay with the transcript as doubts, and review looks at them.
"""

import re
import unicodedata
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

NO_SPEECH_LIKELY = 0.6
LOG_PROB_POOR = -1.0
CONFIDENCE_POOR = 0.4
COMPRESSION_HIGH = 2.4
FASTEST_CHARACTERS_PER_S = 9.0
SLACK_CHARACTERS = 4
LEAST_SPEECH_S = 0.1
FOREIGN_SHARE = 0.35
REPEATS = 3
KEPT_REPEATS = 2
LONGEST_UNIT = 12
KNOWN_SHARE = 0.6
INTERJECTIONS = frozenset("嗯恩呃额哦噢喔啊唔哼嘿诶欸哎")
REPLIES = frozenset("在到有对是好喂来收")
"""What a person may well say twice and nothing else."""
ONLY_A_NOISE = "interjections"
INTERJECTIONS_FROM_S = 3.0
"""Motors and dogs are written 嗯嗯, 呜呜 and 不不. Somebody who hums an answer is done sooner than this."""
LONGEST_LATIN_WORD = 4
"""Names of places and call letters (A, KTV, ATM, WIFI); longer words are another language."""

KNOWN_PHRASES: tuple[str, ...] = (
    "字幕志愿者",
    "字幕志願者",
    "字幕由",
    "字幕组",
    "字幕組",
    "字幕製作",
    "字幕制作",
    "字幕提供",
    "中文字幕",
    "请不吝点赞",
    "請不吝點贊",
    "請不吝點讚",
    "点赞订阅",
    "點贊訂閱",
    "點讚訂閱",
    "订阅转发打赏",
    "訂閱轉發打賞",
    "打赏支持明镜",
    "打賞支持明鏡",
    "明镜与点点",
    "明鏡與點點",
    "明镜需要您的支持",
    "明鏡需要您的支持",
    "谢谢观看",
    "謝謝觀看",
    "感谢观看",
    "感謝觀看",
    "谢谢大家观看",
    "謝謝大家觀看",
    "谢谢收看",
    "謝謝收看",
    "感谢收看",
    "感謝收看",
    "谢谢收听",
    "謝謝收聽",
    "优优独播剧场",
    "優優獨播劇場",
    "YoYo Television Series Exclusive",
    "独播剧场",
    "獨播劇場",
    "Amara",
    "社群提供",
    "小编字幕",
    "小編字幕",
    "由阿美拉",
    "下期再见",
    "下期再見",
    "下集再见",
    "下集再見",
    "我们下期",
    "我們下期",
    "欢迎订阅",
    "歡迎訂閱",
    "李宗盛",
    "杨茜茜",
    "楊茜茜",
)
"""Sentences of subtitles and video channels. None can be part of a radio call."""

_SPACES_AND_MARKS = re.compile(r"[\W_]+")
_SENTENCE_ENDS = re.compile(r"[,?!;，。？！；\n]+|\.(?!\w)")
_RUN = re.compile(rf"(.{{1,{LONGEST_UNIT}}}?)\1{{{KEPT_REPEATS},}}", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known about how the words came about; None where the engine cannot tell.

    `speech_s` is how much of the audio the voice detector took for speech, `no_speech` Whisper's probability
    that nobody spoke, `log_prob` the mean natural-log probability of its tokens, `confidence` Vosk's, 0 to 1.
    """

    audio_s: float
    speech_s: float | None = None
    no_speech: float | None = None
    log_prob: float | None = None
    confidence: float | None = None
    languages: Sequence[str] = ("zh",)


def doubts(text: str, evidence: Evidence) -> tuple[str, ...]:
    """Return why the words may be invented, in a fixed order; empty when nothing speaks against them.

    Reasons: no_voice, no_speech, low_probability, compression, repeats, known_phrase, foreign_script,
    too_fast, interjections.
    """
    if not bare(text):
        return ()
    signs = {
        "no_voice": evidence.speech_s is not None and evidence.speech_s < LEAST_SPEECH_S,
        "no_speech": evidence.no_speech is not None and evidence.no_speech > NO_SPEECH_LIKELY,
        "low_probability": _improbable(evidence),
        "compression": compression_ratio(text) > COMPRESSION_HIGH,
        "repeats": repeats(text) >= REPEATS,
        "known_phrase": known_share(text) > 0.0,
        "foreign_script": "zh" in evidence.languages and foreign_share(text) > FOREIGN_SHARE,
        "too_fast": too_fast(text, evidence),
        ONLY_A_NOISE: _is_a_noise(bare(text)) and evidence.audio_s >= INTERJECTIONS_FROM_S,
    }
    return tuple(reason for reason, present in signs.items() if present)


def _is_a_noise(said: str) -> bool:
    return set(said) <= INTERJECTIONS or (len(said) > 1 and len(set(said)) == 1 and said[0] not in REPLIES)


def _improbable(evidence: Evidence) -> bool:
    poor = evidence.log_prob is not None and evidence.log_prob < LOG_PROB_POOR
    return poor or (evidence.confidence is not None and evidence.confidence < CONFIDENCE_POOR)


def nothing_said(text: str, evidence: Evidence) -> bool:
    """Tell whether the evidence says that there were no words at all, so that none may be passed on."""
    if not bare(text):
        return True
    found = doubts(text, evidence)
    if {"no_voice", ONLY_A_NOISE} & set(found) or known_share(text) >= KNOWN_SHARE:
        return True
    return "no_speech" in found and ("low_probability" in found or "known_phrase" in found)


def bare(text: str) -> str:
    """Return `text` without spaces, punctuation and letter case."""
    return _SPACES_AND_MARKS.sub("", text).casefold()


def compression_ratio(text: str) -> float:
    """Return how many times smaller zlib makes the text's UTF-8; 0 for no text."""
    plain = text.encode()
    return len(plain) / len(zlib.compress(plain)) if plain else 0.0


def repeats(text: str) -> int:
    """Return how often in a row the most repeated stretch of two or more characters stands; at least 1.

    Digits do not count: 119 and 110 are said digit by digit, and a number may be said three times.
    """
    stripped = re.sub(r"\d+", "", bare(text))
    most = 1
    for length in range(2, min(LONGEST_UNIT, len(stripped) // 2) + 1):
        run = 1
        start = 0
        while start + 2 * length <= len(stripped):
            if stripped[start : start + length] == stripped[start + length : start + 2 * length]:
                run += 1
                start += length
                most = max(most, run)
            else:
                # Back to one past where this run began, so that a run out of step is found too.
                start = start - (run - 1) * length + 1
                run = 1
    return most


def known_share(text: str) -> float:
    """Return what share of the text's characters stands in sentences that contain a known invented phrase."""
    sentences = [sentence for sentence in _SENTENCE_ENDS.split(text) if bare(sentence)]
    total = sum(len(bare(sentence)) for sentence in sentences)
    known = [bare(phrase) for phrase in KNOWN_PHRASES]
    tainted = sum(
        len(bare(sentence)) for sentence in sentences if any(phrase in bare(sentence) for phrase in known)
    )
    return tainted / total if total else 0.0


def foreign_share(text: str) -> float:
    """Return what share of the letters is neither Han nor a lone Latin letter as in A区 or KTV."""
    letters = [character for character in bare(text) if character.isalpha()]
    if not letters:
        return 0.0
    short_latin = sum(len(word) for word in re.findall(r"[A-Za-z]+", text) if len(word) <= LONGEST_LATIN_WORD)
    han = sum(unicodedata.name(character, "").startswith("CJK") for character in letters)
    return max(0.0, (len(letters) - han - short_latin) / len(letters))


def too_fast(text: str, evidence: Evidence) -> bool:
    """Tell whether nobody can have said that much in the time there was."""
    heard_s = evidence.audio_s if evidence.speech_s is None else min(evidence.speech_s, evidence.audio_s)
    return len(bare(text)) > FASTEST_CHARACTERS_PER_S * heard_s + SLACK_CHARACTERS


def disagreement(written: Sequence[str], heard: Sequence[str]) -> float:
    """How much of what was written the phone head has not, 0 for nothing and 1 for all of it.

    Both are rows of phones. Two readers of a noisy call differ in every third phone; of words that nobody
    said next to nothing is heard.
    """
    if not written:
        return 0.0
    row = list(range(len(heard) + 1))
    for count, phone in enumerate(written, 1):
        before, row[0] = row[0], count
        for at, other in enumerate(heard, 1):
            before, row[at] = row[at], min(row[at] + 1, row[at - 1] + 1, before + (phone != other))
    return min(1.0, row[-1] / len(written))


def clean(text: str) -> str:
    """Return `text` with every stretch that stands more than twice in a row cut to twice.

    Digits are left alone. Nothing is lost to a reader: 收到收到收到 and 收到收到 say the same. Idempotent.
    """
    while (shorter := _RUN.sub(_keep_two, text)) != text:
        text = shorter
    return text


def _keep_two(run: re.Match[str]) -> str:
    unit = run.group(1)
    if re.search(r"\d", unit):
        return run.group(0)
    return unit * KEPT_REPEATS
