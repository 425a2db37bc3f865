"""Why a person should look, and why silence proves nothing, in the words of the printed form. Pure.

Events carry reasons as codes, with what they are about behind a colon (`by_sound:火情`); docs/integrator.md
says what to do about each. These are the same reasons for whoever reads Chinese and no codes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

REASONS: Final[Mapping[str, str]] = {
    "caller_unknown": "未听出是哪个单元",
    "caller_ambiguous": "单元名不清",
    "by_sound": "按读音认出: {}",
    "heard": "录音中听到、文字中没有: {}",
    "not_heard": "文字中有、录音中未听到: {}",
    "ends": "录音中疑有撤销或结束的话: {}",
    "sounds_like": "音近难辨: {}",
    "told_in_order": "派人处置未登记的警情: {}",
    "spoken_of_again": "提及先前的警情: {}",
    "incident_words_without_report": "有警情用语但不像报警",
    "gist": "警情类型按整段话判断: {}",
    "nothing_else": "仅一词像警情、其余均无异常: {}",
    "kind_not_understood": "请求支援但未听清何事",
    "low_confidence": "识别置信度低",
    "exercise_heard": "演练字样仅录音中听到",
    "exercise_mark_in_actual": "真实警情中出现演练字样",
    "headcount_by_sound": "人数按读音认出",
    "headcount_heard": "人数仅录音中听到",
    "headcount_unclear": "人数不清: {}",
    "headcount_implausible": "人数不合常理",
    "headcount_above_expected": "实到多于应到",
    "place_unclear": "地点不清: {}",
    "place_not_heard": "地点文字中有、录音中未听到: {}",
    "location_conflict": "两次报告的地点不一",
    "same_type_by_another_unit": "另一单元报告同类警情、按同一起记",
    "second_incident_by_unclear_caller": "报告单元不清、另记为一起警情",
    "ends_another_type": "结束用语与警情类型不符",
    "arrival_unattributed": "有人到场但不知是哪一方",
    "no_voice": "录音中未检出人声",
    "no_speech": "识别引擎认为无人说话",
    "low_probability": "识别引擎把握不足",
    "compression": "文字大段重复、疑为误识",
    "repeats": "文字反复、疑为误识",
    "known_phrase": "疑为识别引擎误添的字幕用语",
    "foreign_script": "夹有其他语言文字",
    "too_fast": "字数超出正常语速",
    "interjections": "仅有语气词、疑为噪声",
    "phones_disagree": "文字与录音读音不符",
    "not_recognised": "未能识别",
    "unreadable": "听不清",
    "caller_not_named": "未报单元名",
    "stood_in_for_whom": "代答未说明单元",
    "answered_by_other": "他人代答",
    "call_misheard": "呼叫未听清",
    "reported_emergency": "报告了真实警情",
    "named_late": "通话后段才报单元名",
    "spoke_together": "多个单元在一次通话中应答",
    "arrival_unclear": "是否到场不清",
    "ordered_again_under_way": "途中重新下达命令",
    "present_changed": "前后人数不一",
    "expected_changed": "前后应到人数不一",
    "all_normal_changed": "前后所报情况不一",
    "stray_replies": "有无法归属的应答",
    "misheard_calls": "有未听清的呼叫",
    "unreadable_answers": "有听不清的应答待复核",
}
"""What `review.reasons` may hold; the braces are for what stands behind the colon."""
HINDRANCES: Final[Mapping[str, str]] = {
    "channel_busy": "信道占用",
    "gateway_deaf": "网关失聪",
    "gateway_restarted": "网关重启",
    "audio_lost": "录音缺失",
    "emergency": "真实警情中断",
    "paused_by_dispatcher": "指挥室暂停",
    "never_called": "未呼叫",
    "never_ordered": "未下达命令",
    "not_understood_in_time": "未能及时识别",
    "stray_reply": "有无法归属的应答",
    "closed_before_its_time": "时限未到即结束",
    "off_duty": "放假/停用",
    "another_spoke": "其他单元插话",
    "command_post_spoke": "指挥室插话",
    "next_call_misheard": "下一呼叫未听清",
    "device": "发射设备故障",
    "device_failed": "发射设备故障",
    "timed_out": "播报超长未发出",
    "no_voice": "语音合成失败未发出",
    "hushed": "播报被叫停",
    "stopped": "网关停止",
}
"""What the `reasons` of a line may hold beside REASONS: why nobody can be blamed for silence."""


@dataclass(frozen=True, slots=True)
class CodeNames:
    """What people call the lexicon's codes; a code without a name is shown as it is."""

    incidents: Mapping[str, str] = field(default_factory=dict)
    agencies: Mapping[str, str] = field(default_factory=dict)


NO_NAMES: Final = CodeNames()


def reason_in_words(reason: str, names: CodeNames = NO_NAMES) -> str:
    """Word one of `review.reasons`; one that is not known here is returned as it is."""
    code, _, about = reason.partition(":")
    wording = REASONS.get(code)
    if wording is None:
        return reason
    by_code = {"gist": names.incidents, "heard": names.agencies}.get(code, {})
    told = " 或 ".join(by_code.get(one, one) for one in about.split("|"))
    return wording.format(told) if "{}" in wording else f"{wording} {told}".rstrip()


def hindrance_in_words(reason: str, names: CodeNames = NO_NAMES) -> str:
    """Word one of the `reasons` of a line of a roll-call or a drill."""
    return HINDRANCES.get(reason) or reason_in_words(reason, names)
