"""The sentences of the project's own calls, written for it, half for development and half for the test.

Slots: {u} the calling unit's name, {v} the unit called, {c} the command post, {l} a place of the split's own
list, {n} people present and {e} people expected. The line format is `code | agencies | text` for reports and
`text` elsewhere; codes and agencies are the lexicon's, only agencies asked for in the words are listed.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Template:
    """One sentence with slots and what it means; `kind` is the list it stands in.

    `present` and `expected` are a head count that the sentence itself writes out.
    """

    id: str
    split: str
    kind: str
    text: str
    code: str = ""
    agencies: str = ""
    acts: str = ""
    polarity: str = "none"
    exercise: int = 0
    present: str = ""
    expected: str = ""


# ruff: noqa: E501 - a sentence stays on its line, as the lists below read best

LOCATIONS = {
    "dev": (
        "3栋楼下", "东门", "2号楼一楼大堂", "地下车库", "5栋2单元", "南门门口", "8号楼楼顶", "食堂", "北侧停车场",
        "4楼电梯口", "1号门", "公交站旁边",
    ),
    "test": (
        "6号楼楼顶", "西门", "7栋负一层充电棚", "12号楼", "操场", "B座大堂", "正门口", "9栋3单元", "2号门北侧",
        "三楼美食广场", "地铁站出口", "配电房",
    ),
}  # fmt: skip

_REPORTS = {
    "dev": """
KNIFE_ATTACK|POLICE|{c}，我是{u}，{l}有个男的拿刀砍人，请派警察过来
FIRE|FIRE|{c}{c}，{u}报告，{l}着火了，火势比较大，需要消防支援
EBIKE_FIRE|FIRE|{u}呼叫{c}，{l}有电动车自燃，请通知消防队
SUICIDE_JUMP|FIRE,POLICE|{c}，这里是{u}，有个女的坐在楼顶边缘要跳楼，请消防和公安马上支援
ELEVATOR_TRAP|ELEVATOR|{c}，我是{u}，{l}电梯困人了，里面两个人，请叫电梯维保
GAS_LEAK|GAS|{u}报告，{l}煤气味很大，怀疑燃气泄漏，请燃气公司过来
FIGHT|POLICE|{c}，{u}这边{l}有两伙人打架斗殴，需要警察到场
THEFT||{c}，我是{u}，{l}有人偷电瓶被我们发现了
MISSING_CHILD|POLICE|{c}，{u}报告，有家长说孩子不见了，六岁，穿红色衣服，请民警协助查找
CARDIAC_ARREST|EMS|{c}，{u}紧急情况，{l}有人倒地没有呼吸没有心跳，需要120急救
UNCONSCIOUS|EMS|{u}呼叫{c}，{l}一位老人晕倒在地，请叫救护车
TRAFFIC_ACCIDENT|TRAFFIC_POLICE|{c}，我是{u}，{l}两车相撞，有点堵，请交警过来处理
DRUNK||{c}，{u}报告，{l}有个醉汉在耍酒疯
SUSPICIOUS_PERSON||{c}，{u}发现一名可疑男子在{l}来回徘徊
SUSPICIOUS_ITEM|SWAT|{c}，我是{u}，{l}发现可疑包裹，请派特警过来看看
DISPUTE|STREET|{u}报告{c}，{l}业主和物业因为停车吵起来了，请街道办来人调解
WATER_FAULT|WATER|{c}，{u}这里水管爆裂，{l}积水严重，请供水公司来抢修
POWER_FAULT|POWER|{c}，我是{u}，{l}突然停电了，请供电局派人
FALLING_OBJECT||{c}，{u}报告，{l}有人高空抛物，砸到一台车
DROWNING|FIRE,EMS|{c}，我是{u}，有人掉进湖里了，需要消防和救护车
CROWD_GATHERING|POLICE|{c}，{u}报告，{l}有三十多人拉横幅讨说法，请派警力
INTRUSION|POLICE|{c}，{u}这边有陌生人强行闯入，请公安支援
TREE_WEATHER|STREET|{u}报告，{l}大树倒了压住路，请街道处理
ANIMAL||{c}，我是{u}，{l}有人被狗咬了
MEDICAL|EMS|{c}，{u}呼叫，{l}有个工人摔伤骨折，请派急救车
SMOKE||{u}报告{c}，{l}冒烟，我们正在查看
FRAUD|POLICE|{c}，我是{u}，有位阿姨正在转账疑似被骗，请民警过来劝阻
ELECTRIC_SHOCK|EMS|{c}，{u}报告，{l}有人触电，需要急救
FOOD_POISONING|EMS|{c}，我是{u}，食堂吃饭的好几个人食物中毒，请120过来
TRAPPED|FIRE|{c}，{u}报告，{l}小孩手指卡住了，请消防救援
BULLYING||{c}，我是{u}，{l}几个学生在欺凌同学
VANDALISM||{u}报告，{l}有人砸车，已经砸了两台
MISSING_PERSON|POLICE|{c}，{u}报告，有一位老人走失，请派出所帮忙找
UNKNOWN||{c}，{u}有紧急情况，请求支援
UNKNOWN||{c}，我是{u}，我们这里出事了，快来人
""",
    "test": """
KNIFE_ATTACK|POLICE,EMS|{c}，{u}紧急呼叫，{l}有歹徒持刀伤人，两人受伤，请公安和救护车立即到场
HOSTAGE|POLICE,SWAT|{c}，我是{u}，{l}有人劫持人质，请求公安特警支援
FIRE|FIRE|{c}，这里是{u}，{l}发生火灾，有明火，请求消防增援
FIRE||{u}报告{c}，我们{l}起火了，正在用灭火器扑救
EBIKE_FIRE|FIRE|{c}，我是{u}，{l}电瓶车着火，请消防尽快过来
VEHICLE_FIRE|FIRE|{c}，{u}报告，{l}一台小货车自燃，汽车着火烟很大，需要消防
SUICIDE_JUMP|FIRE,POLICE,EMS|{c}，{u}呼叫，{l}有人轻生欲跳楼，情绪激动，需要消防、公安、120急救支援
SUICIDE_JUMP|POLICE|{u}呼叫{c}，有个年轻人想不开要跳河，请派出所来人
ELEVATOR_TRAP|FIRE,ELEVATOR|{c}，{u}这边{l}电梯卡住了，有三个人被困电梯，请联系消防和维保单位
GAS_LEAK|GAS,FIRE|{c}，我是{u}，{l}天然气泄漏，需要燃气抢修和消防
FIGHT|POLICE|{u}呼叫{c}，{l}发生聚众斗殴，十几个人动手了，请派警力支援
ASSAULT|EMS|{c}，我是{u}，{l}有人被打伤，头部流血，请叫120
THEFT|POLICE|{c}，{u}报告，抓到一个入室盗窃的小偷，请民警过来
ROBBERY|POLICE|{c}，{u}紧急报告，{l}有人持刀抢劫，往北边跑了，请求警察支援
MISSING_CHILD|POLICE|{c}，我是{u}，有个小朋友走丢了，五岁男孩，请公安协助
CARDIAC_ARREST|EMS|{c}，我是{u}，{l}有人心脏骤停，正在做心肺复苏，请派120
UNCONSCIOUS|EMS|{c}，{u}报告，{l}一名保洁员突然倒地昏迷，需要救护车
TRAFFIC_ACCIDENT|TRAFFIC_POLICE,EMS|{u}呼叫{c}，{l}发生交通事故，一人受伤，请交警和急救车到现场
DRUNK|POLICE|{c}，我是{u}，{l}有人醉酒闹事，请民警来处理
SUSPICIOUS_PERSON|POLICE|{c}，{u}呼叫，{l}有个形迹可疑的人一直跟着学生，请派出所过来盘查
SUSPICIOUS_ITEM|POLICE|{c}，{u}报告，{l}有一个无人认领的包，请公安来检查
DISPUTE||{c}，我是{u}，{l}发生劳资纠纷，十多个工人在讨薪
WATER_FAULT|WATER|{u}呼叫{c}，{l}爆水管，水已经漫到电梯了，请通知自来水公司
POWER_FAULT|POWER|{c}，{u}报告，{l}电线断了掉在地上，请供电所马上处理
FALLING_OBJECT|PROPERTY|{c}，我是{u}，{l}外墙脱落，差点砸到人，请物业过来围蔽
DROWNING|EMS|{c}，{u}呼叫，有小孩溺水，刚捞上来，请120马上过来
CROWD_GATHERING|POLICE|{u}报告{c}，{l}有五十多人聚集围堵，请求警力支援
INTRUSION|POLICE|{c}，我是{u}，有人翻墙进入，已经跑到{l}，请公安支援
TREE_WEATHER||{c}，{u}报告，{l}后面发生山体滑坡，暂时没有人受伤
ANIMAL|FIRE|{c}，我是{u}，{l}发现一个马蜂窝，请消防来处理
MEDICAL|EMS|{u}呼叫{c}，{l}一名孕妇羊水破了要生了，请叫急救
SMOKE|FIRE|{c}，我是{u}，{l}浓烟滚滚，看不到明火，请消防来看一下
FRAUD||{c}，{u}报告，有群众说遇到电信诈骗，钱已经转了
ELECTRIC_SHOCK|EMS,POWER|{c}，我是{u}，{l}有人被电到了，请120和电力抢修支援
FOOD_POISONING|EMS|{c}，{u}呼叫，有十几个学生上吐下泻，怀疑食物中毒，请派救护车
TRAPPED|FIRE|{c}，我是{u}，{l}有人被困，门打不开，请消防救援队支援
BULLYING|POLICE|{u}报告{c}，{l}发生校园欺凌，请派民警
VANDALISM|POLICE|{c}，我是{u}，有个人在{l}打砸店铺，请警察过来
MISSING_PERSON||{u}呼叫{c}，一位痴呆老人走丢了，穿蓝色外套
EXPLOSION|FIRE,POLICE|{c}，{u}紧急情况，{l}煤气罐爆炸了，需要消防公安支援
CROWD_CRUSH|POLICE|{c}，我是{u}，{l}人流量过大，快要踩踏了，请派警力疏导
COLLAPSE|FIRE,EMS|{c}，{u}报告，{l}脚手架倒塌，有工人被压，请消防和120支援
FALL_FROM_HEIGHT|EMS|{c}，我是{u}，有人高处坠落，人在{l}，请120快来
DRONE||{u}报告{c}，{l}上空有一架不明无人机
NOISE|STREET|{c}，我是{u}，有住户投诉施工噪音扰民，请街道协调
MENTAL_CRISIS|POLICE|{c}，{u}报告，{l}有个精神病人在打路人，请公安支援
UNKNOWN||{c}，{u}呼叫，这里有突发事件，请求增援
UNKNOWN||{c}，我是{u}，有紧急情况汇报
""",
}

_OTHERS = {
    "dev": {
        "checkin": """
{u}，{n}人在岗，一切正常
{c}，{u}报备上岗，今天{n}人
{u}最小应急单元{n}人已打卡上岗，情况正常
{c}，我是{u}，应到{e}人，实到{n}人
""",
        "rollcall_answer": """
{u}收到，在岗{n}人
{u}到，{n}名队员在岗，装备齐全
收到收到，这里是{u}，{n}人在位，一切正常
""",
        "hail": """
{c}{c}，{u}呼叫，收到请回答
{c}，我是{u}，听到请讲
""",
        "rollcall_call": """
{v}，听到请回答
{c}呼叫{v}，请报告在岗人数
""",
        "ack": """
{u}收到
{u}明白，马上到
好的收到，{u}正在前往
""",
        "arrived": """
{u}已到达现场，{n}人
{c}，{u}人员到位
""",
        "cancel": """
{c}，我是{u}，刚才的火警是误报，不用来了
{u}报告，刚才说的打架取消，没事了
""",
        "resolve": """
{c}，{u}报告，火已扑灭，没有人受伤
{c}，我是{u}，走失的小孩已找到，已移交家长
""",
        "exercise": """
{c}，{u}报告，现在进行演练，模拟{l}起火，请求支援
演练演练，{u}模拟发现持刀歹徒，正在处置
""",
        "chatter": """
晚上下班去哪里吃饭，我想吃牛肉火锅
你那个充电器放在值班室桌子上了
刚才队长说明天要开会，大家别迟到
今天太热了，多喝点水
你几点换班，我六点就走了
那个快递帮我拿一下，谢谢
""",
        "test": """
{u}试机，声音怎么样
测试通话，一二三四五
""",
        "say_again": """
没听清，请再说一遍
{u}，信号不好，请重复
""",
    },
    "test": {
        "checkin": """
{u}{n}人上岗，一切正常
{c}，{u}报告，今日在岗{n}人，装备齐全，情况正常
我是{u}，{n}人已打卡，无异常
{u}报备，应到{e}人实到{n}人，一切正常
""",
        "rollcall_answer": """
{u}收到，在岗{n}人，一切正常
{c}，{u}听到，现有{n}人在岗，装备完好
这里是{u}，收到，{n}名保安在位
""",
        "hail": """
{u}呼叫{c}，听到请回答
{c}，{c}，这里是{u}，有事报告，收到请讲
""",
        "rollcall_call": """
{v}，{v}，收到请回答
{v}，请报告在岗情况
{c}点名，{v}，听到请回话
""",
        "ack": """
{u}收到，立即出发
明白，{u}马上过去
{c}，{u}收到，已经出发
""",
        "arrived": """
{c}，{u}集结完毕，{n}人到达{l}，请指示
{u}到达现场，正在处置
""",
        "cancel": """
{c}，{u}更正，刚才的烟感报警确认误报，没有着火
{c}，我是{u}，前面说的可疑包裹已核实，虚惊一场，解除警报
""",
        "resolve": """
{c}，{u}报告，打架的人已被控制，现场恢复秩序
{u}报告，被困人员成功解救，已送医
""",
        "exercise": """
{c}，我是{u}，这是演习，{l}模拟发生火灾，请附近单元支援
以下为演练，{u}报告，{l}假设有人员被困，需要消防
""",
        "chatter": """
老张你把岗亭的灯关一下，太亮了
周末一起去钓鱼吧，天气预报说不下雨
食堂今天的鱼不错，你快去，一会儿没了
我的伞落在你车上了，晚点过去拿
你女儿高考考得怎么样，出分了没有
下午有领导来检查，把衣服穿整齐一点
刚才那个司机说找不到停车位
这个月工资发了没有，我还没看
""",
        "test": """
试音试音，{u}，能听到吗
{u}测试信号，请回复
""",
        "say_again": """
听不清，请重复一遍
{c}，{u}没有听清，请再讲一次
""",
    },
}

_ACTS = {
    "report": "report", "checkin": "present", "rollcall_answer": "ack_received|present", "hail": "hail",
    "rollcall_call": "hail", "ack": "ack_received", "arrived": "arrived", "cancel": "cancel", "resolve": "resolve",
    "exercise": "report", "chatter": "", "test": "test_only", "say_again": "say_again",
}  # fmt: skip
_POLARITY = {"report": "report", "cancel": "cancel", "resolve": "resolve"}


def templates() -> list[Template]:
    """All templates, reports first."""
    made: list[Template] = []
    for split, block in _REPORTS.items():
        for number, line in enumerate(block.strip().splitlines()):
            code, agencies, text = line.split("|")
            made.append(
                Template(
                    f"{split}-report-{number:02d}", split, "report", text, code, agencies.replace(",", "|"),
                    "report", "report",
                )
            )  # fmt: skip
    for split, kinds in _OTHERS.items():
        for kind, block in kinds.items():
            for number, text in enumerate(block.strip().splitlines()):
                made.append(
                    Template(
                        f"{split}-{kind}-{number:02d}", split, kind, text, acts=_acts(kind, text),
                        polarity=_POLARITY.get(kind, "none"), exercise=int(kind == "exercise"),
                    )
                )  # fmt: skip
    return made


def _acts(kind: str, text: str) -> str:
    if kind == "rollcall_answer" and "收到" not in text:
        return "present"
    if kind == "rollcall_call" and "请报告" in text:
        return ""
    return _ACTS[kind]
