"""The scripted conversations that the demo and the path's own tests play. Not drawn from templates."""

from dataclasses import replace

from tools.calls import Call

_JUMP = [
    Call(
        "指挥中心，我是华夏A区最小应急单元，有紧急情况汇报。",
        "report", "scripted-jump-1", "u001", "华夏A区", "command", code="UNKNOWN",
        acts="report", polarity="report",
    ),
    Call("收到，请汇报现场情况，并提出支援单位。", "command", "scripted-jump-2", acts="ack_received"),
    Call(
        "我小区发生一起轻生欲跳楼事件，当事人在6号楼楼顶情绪激动，需要消防、公安、120急救紧急支援。",
        "report", "scripted-jump-3", code="SUICIDE_JUMP", agencies="FIRE|POLICE|EMS", location="6号楼楼顶",
        acts="report", polarity="report",
    ),
    Call("收到，马上安排。", "command", "scripted-jump-4", acts="ack_received|ack_wilco"),
]  # fmt: skip

_ROLL_CALL = [
    Call(
        "千耀酒店，千耀酒店，听到请回答。",
        "rollcall_call", "scripted-roll-1", callee="千耀酒店", acts="hail",
    ),
    Call(
        "千耀酒店收到，在岗3人，一切正常。",
        "rollcall_answer", "scripted-roll-2", "u003", "千耀酒店", headcount="3",
        acts="ack_received|present|all_normal",
    ),
    Call(
        "指挥中心呼叫黄石中学，收到请回答。",
        "rollcall_call", "scripted-roll-3", callee="黄石中学", acts="hail",
    ),
    Call(
        "黄石中学最小应急单元，2人已打卡上岗，情况正常。",
        "rollcall_answer", "scripted-roll-4", "u004", "黄石中学", headcount="2", acts="present|all_normal",
    ),
]  # fmt: skip

_OTHERS = [
    Call("老王，中午一起去食堂吃饭吧，听说今天有红烧肉。", "chatter", "scripted-chatter-1"),
    Call("刚才那个快递放在门卫室了，你下班的时候记得来拿。", "chatter", "scripted-chatter-2"),
    Call(
        "指挥中心，我是碧桂华庭，3栋2单元电梯困人，里面有5个人，请通知电梯维保到场处置。",
        "report", "scripted-lift-1", "u005", "碧桂华庭", "command", code="ELEVATOR_TRAP", agencies="ELEVATOR",
        location="3栋2单元", acts="report", polarity="report",
    ),
    Call(
        "指挥中心，云山小学报告，刚才的烟感报警是误报，现场没有着火。",
        "cancel", "scripted-cancel-1", "u006", "云山小学", "command", acts="cancel", polarity="cancel",
    ),
]  # fmt: skip


def scripted_calls() -> list[Call]:
    """Every scripted call with its voice, speed, split and file name."""
    unit, post = "zm_yunjian", "zf_xiaobei"
    calls = [
        *(replace(c, voice=post if c.kind == "command" else unit, split="dev") for c in _JUMP),
        *(
            replace(
                c, voice="zf_xiaoxiao" if c.kind == "command" else "zm_yunxi", split="test", speed=1.1,
                template=c.template + "b",
            )
            for c in _JUMP
        ),
        *(replace(c, voice=post if c.kind == "rollcall_call" else unit) for c in _ROLL_CALL),
        *(replace(c, voice=unit if number % 2 else post) for number, c in enumerate(_OTHERS)),
    ]  # fmt: skip
    return [replace(c, file=f"{c.template}.flac") for c in calls]
