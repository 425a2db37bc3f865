"""The second set of the project's own calls: other speakers' ways of saying things, over `tools.cityregistry`.

Lines are `kind | code | agencies | text`, codes and agencies the lexicon's, only agencies asked for in the
words are listed. Slots: {u} the caller by name or short form, {k} the caller by callsign, {v} the unit called,
{m} a unit that is only spoken of, {c} the command post, {l} a place of the split's own list, {n} people
present, {e} people expected.
"""

from tools.sentences import Template

# ruff: noqa: E501 - a sentence stays on its line, as the lists below read best

PLACES = {
    "dev": (
        "1栋大堂", "后门", "10号楼", "三楼走廊", "停车场入口", "保安亭旁边", "4栋1单元", "负二层车库", "东北角", "五楼天台",
        "篮球场", "2号门",
    ),
    "test": (
        "15栋", "侧门", "3号楼电梯间", "小卖部门口", "8栋2单元", "北门岗亭", "二楼食堂", "地下一层", "11号楼楼顶", "喷水池旁边",
        "5号门", "消防通道",
    ),
    "blind": (
        "6栋", "西侧门", "9号楼大堂", "超市门口", "12栋3单元", "东门岗亭", "四楼教室", "地下二层", "7号楼天台", "公厕旁边",
        "3号门", "楼梯间",
    ),
}  # fmt: skip
POSTS = {
    "dev": ("指挥中心", "指挥室"),
    "test": ("指挥中心", "总台"),
    "blind": ("指挥中心", "指挥中心", "值班室"),
}

_LINES = {
    "dev": """
report|FIRE|FIRE|{c}{c}，这里是{u}，我们{l}烧起来了，火很大，叫消防来
report|FIGHT|POLICE|{c}，{u}呼叫，{l}两帮人打群架，请求警力支援
report|ELEVATOR_TRAP|ELEVATOR|{u}向{c}报告，{l}有乘客被困电梯，麻烦通知电梯维保
report|MISSING_CHILD||我是{u}，有个小女孩走失了，七岁，扎马尾
report|CARDIAC_ARREST|EMS|{c}，{u}，{l}有位大爷突然没有心跳了，快叫120急救
report|KNIFE_ATTACK|POLICE|{c}，我是{u}，有人持刀砍人，在{l}，请公安马上来
report|TRAFFIC_ACCIDENT|TRAFFIC_POLICE|{u}报告，{m}路口两车追尾，请交警处理
report|GAS_LEAK|GAS|{c}，{u}报告，{l}燃气泄漏，味道很浓，请燃气抢修
report|SUICIDE_JUMP|FIRE|{c}，这里是{u}，{l}有人要跳楼，请消防带气垫过来
report|DRUNK|POLICE|{u}呼叫{c}，{l}有醉汉闹事，请派出所处理
report|THEFT|POLICE|{c}，{u}报告，{l}抓到小偷一名，请派民警来
report|UNKNOWN||{c}，{k}报告，有紧急情况
report|FIRE|FIRE|{c}，我是{k}，{l}着火了，请求消防支援
report|DROWNING|EMS|{c}，{u}，湖边有人溺水，请叫救护车
report|WATER_FAULT|WATER|{u}报告{c}，{l}水管爆裂，请自来水公司抢修
report|FALLING_OBJECT||{c}，我是{u}，{l}有人高空抛物，砸伤一只狗
report|SUSPICIOUS_ITEM|POLICE|{c}，{u}，在{l}发现不明物品，请警察过来排查
report|CROWD_GATHERING|POLICE|{u}呼叫{c}，{l}聚集了四十多人，请派警力
checkin|||{u}，今日{n}人上岗，装备齐全
checkin|||{c}，{k}，{n}人在岗，一切正常
checkin|||{u}报备，{n}人已打卡，情况正常
rollcall_answer|||{u}收到，{n}人在位
rollcall_answer|||收到，{k}，{n}人在岗，一切正常
rollcall_call|||{v}，{v}，听到请回答
rollcall_call|||{c}呼叫{v}，收到请讲
hail|||{u}呼叫{c}，收到请讲
hail|||{c}，{k}呼叫，听到请回答
ack|||{u}明白，立即处置
ack|||{k}收到，马上过去
arrived|||{u}{n}人已到达{l}，请指示
cancel|||{c}，{u}报告，刚才是误报，取消警情
resolve|||{u}报告，火已经扑灭，人员安全
exercise|||{c}，{u}，演练演练，模拟{l}发生火灾，请消防支援
chatter|||你把对讲机充一下电，快没电了
chatter|||等下换岗的时候顺便带瓶水上来
chatter|||{m}那边的早餐店还开着吗
test|||{u}试机，听得清楚吗
say_again|||{c}，信号太差，{u}没听清，请重复
""",
    "test": """
report|FIRE|FIRE|{c}，我是{u}，{l}起火了，火苗窜得很高，请消防赶快过来
report|FIRE|FIRE,EMS|{u}向{c}求助，{l}发生火灾，有人被烟呛到，请消防和救护车支援
report|EBIKE_FIRE|FIRE|{c}，{u}，{l}有台电动车起火，请派消防
report|SUICIDE_JUMP|FIRE,POLICE|{c}，{u}有紧急情况汇报，一名男子站在{l}准备跳楼，需要公安和消防
report|KNIFE_ATTACK|POLICE|{c}，{u}报告，{l}一个人拿菜刀乱砍，请警察马上支援
report|FIGHT|POLICE|我是{u}，{l}有四五个人打架，控制不住，请派出所派人
report|ROBBERY|POLICE|{u}紧急呼叫，{l}一位女士被抢劫，人往{m}方向跑了，请公安拦截
report|THEFT||{c}，{u}报告，{l}有人偷电动车，已经按住了
report|ASSAULT|EMS|{c}，这里是{u}，保安被打伤了，在{l}，请叫120
report|DRUNK||{c}，{u}，{l}有人醉酒躺在地上不肯走
report|DISPUTE|STREET|{u}报告，{l}租户和房东闹纠纷，请街道来调解
report|CROWD_GATHERING|POLICE|{c}，我是{u}，{l}有业主聚集拉横幅，请求警力增援
report|INTRUSION|POLICE|{u}呼叫{c}，有人强行闯入{l}，请民警过来
report|SUSPICIOUS_PERSON|POLICE|{c}，{u}发现可疑人员，在{l}转了半个小时，请派出所核查
report|SUSPICIOUS_ITEM|SWAT|{c}，{u}，{l}有个可疑物品，里面有滴答声，请特警排除
report|MISSING_CHILD|POLICE|{u}报告，一个小男孩走丢了，穿蓝色校服，请公安帮忙查找
report|MISSING_PERSON|POLICE|{c}，我是{u}，我们院里一位老人走失，请派警察帮忙找
report|CARDIAC_ARREST|EMS|{c}{c}，{u}，{l}有人倒地没有呼吸，急需120急救
report|UNCONSCIOUS|EMS|{c}，{u}报告，{l}有人晕倒，叫不醒，请派救护车
report|MEDICAL|EMS|{u}呼叫{c}，{l}有位阿婆摔倒骨折，请叫救护车
report|FOOD_POISONING|EMS|{c}，{u}，七八个人集体食物中毒，请120过来
report|ELECTRIC_SHOCK|EMS|这里是{u}，{l}有人触电倒地，请马上派急救车
report|DROWNING|FIRE|{c}，我是{u}，有人落水，请消防救援
report|ELEVATOR_TRAP|ELEVATOR|{c}，{u}，{l}电梯故障困人，里面有五个人，请电梯维保马上到
report|TRAPPED|FIRE|{u}报告{c}，{l}有人被困在里面出不来，请消防破门
report|GAS_LEAK|FIRE,GAS|{c}，{u}报告，{l}煤气泄漏，请消防和燃气公司到场
report|WATER_FAULT||{c}，我是{u}，{l}自来水管爆了，水淹到大厅
report|POWER_FAULT|POWER|{u}报告，整个{l}停电了，请供电局抢修
report|TREE_WEATHER||{c}，{u}，{l}有棵大树倒塌挡住了路
report|COLLAPSE|FIRE|{c}，{u}紧急情况，{l}围墙倒塌压到人，请消防支援
report|TRAFFIC_ACCIDENT|TRAFFIC_POLICE|{c}，{u}报告，{l}发生车祸，有人受伤，请交警到场
report|ANIMAL|FIRE|{u}呼叫{c}，{l}有一条大蛇，请消防来抓
report|VANDALISM|POLICE|{c}，我是{u}，{l}有人打砸东西，请派警察
report|BULLYING||{c}，{u}报告，{l}有学生被欺凌
report|FRAUD|POLICE|{u}，有位老人正在给骗子转账，疑似诈骗，请民警来劝
report|SMOKE|FIRE|{c}，{u}，{l}有浓烟冒出来，请消防过来看看
report|UNKNOWN||{c}，{u}，有紧急情况，请求支援
report|UNKNOWN||{c}，{k}紧急呼叫，有突发情况
report|FIRE|FIRE|{k}报告{c}，{l}发生火灾，请派消防
report|FIGHT|POLICE|{c}，我是{k}，{l}有人打架，请派警力
checkin|||{u}在岗{n}人，一切正常，完毕
checkin|||{c}，这里是{u}，今天{n}人上岗，装备完好
checkin|||{u}应到{e}人，实到{n}人，情况正常
checkin|||{k}，{n}人已上岗，无异常
checkin|||{c}，{k}报备，在岗{n}人
rollcall_answer|||{u}到，{n}人在岗
rollcall_answer|||{c}，{u}收到，{n}人在位，装备齐全
rollcall_answer|||{k}收到，在岗{n}人，情况正常
rollcall_answer|||{u}，收到，我们{n}个人都在岗
rollcall_call|||{v}听到请回答
rollcall_call|||{v}，{v}，{c}呼叫，请回话
rollcall_call|||呼叫{v}，请报告在岗人数
hail|||{c}，{u}呼叫，听到请讲
hail|||{c}，我是{k}，收到请回答
hail|||呼叫{c}，呼叫{c}，我是{u}
ack|||收到，{u}马上到
ack|||{u}收到，三分钟内到达
ack|||{k}明白，正在前往
arrived|||{c}，{u}已经到达{m}，{n}人，请指示
arrived|||{u}集结完毕，{n}人到位
cancel|||{c}，{u}报告，刚才{l}的火警是误报
resolve|||{c}，我是{u}，电梯里的人已经救出来了，没有受伤
resolve|||{u}报告，纠纷已经解决，人都散了
exercise|||{c}，{u}，这是演练，{l}模拟有人持刀，请求支援
exercise|||现在是演习，{u}报告，{l}模拟起火，请消防到场
chatter|||老李你那边几点下班，一起坐地铁吧
chatter|||帮我看一下门口那辆白色的车走了没有
chatter|||今天{m}那边好多人排队买东西
chatter|||午饭想吃什么，还是吃快餐算了
chatter|||我刚才路过{m}，看到你弟弟了
test|||{u}，测试信号，收到请回复
say_again|||{u}没听清，请再说一次
say_again|||{c}，你的声音断断续续，请重复
""",
    "blind": """
report|FIRE|FIRE|{c}，我是{u}，我们{l}失火了，烟越来越大，快派消防队
report|FIRE|FIRE,EMS|{u}呼叫{c}，{l}着大火了，有人没跑出来，要消防和120
report|EBIKE_FIRE|FIRE|{c}，{u}报告，{l}一台电瓶车充电的时候着火了，请消防来一下
report|VEHICLE_FIRE|FIRE|{c}，这里是{u}，{l}有辆小汽车自燃，请消防支援
report|SMOKE||{u}报告，{l}在冒烟，还没看到火
report|EXPLOSION|FIRE|{c}，{u}，{l}刚刚发生爆炸，请消防马上到场
report|GAS_LEAK|GAS|{c}，我是{u}，{l}闻到很重的煤气味，请燃气公司来检查
report|KNIFE_ATTACK|POLICE|{c}{c}，{u}，{l}有人拿刀捅人，请警察赶快过来
report|HOSTAGE|SWAT|{u}报告{c}，{l}有歹徒劫持人质，请求特警支援
report|FIGHT|POLICE|{c}，{u}，{l}打架了，六七个人，请派警察
report|FIGHT||{c}，我是{k}，{l}两个男的在斗殴
report|ASSAULT|EMS|{u}报告，我们的队员被人殴打，头上流血，请叫救护车
report|ROBBERY|POLICE|{c}，我是{u}，{l}有人抢劫，抢了就往{m}跑，请公安布控
report|THEFT|POLICE|{c}，{u}呼叫，{l}有小偷撬锁，请派出所派人来
report|FRAUD|POLICE|{u}报告{c}，有位大妈遇到电信诈骗，正要汇款，请民警过来
report|DRUNK||{u}报告，{l}有个喝醉的男人在砸门
report|MENTAL_CRISIS|POLICE|{c}，{u}，{l}有精神病人发作，拿着棍子，请公安支援
report|DISPUTE||{c}，我是{u}，{l}两家商户为了摆摊起纠纷，我们在劝
report|CROWD_GATHERING|POLICE|{c}，{u}报告，{l}有五十多名工人聚集讨薪，请派警力
report|INTRUSION||{c}，{u}，有个男子翻墙闯入学校，在{l}
report|SUSPICIOUS_PERSON||{u}呼叫{c}，{l}有个可疑的人一直在拍照
report|SUSPICIOUS_ITEM|POLICE|{c}，{u}报告，{l}发现一个无人认领的可疑箱子，请警察处理
report|SUICIDE_JUMP|FIRE,POLICE|{c}，我是{u}，有个学生爬到{l}想跳楼，请消防和公安过来
report|FALLING_OBJECT|EMS|{u}报告，{l}高空坠物砸到路人，请叫120
report|COLLAPSE|FIRE|{c}，{u}，{l}脚手架坍塌，下面压着人，请消防救援
report|DROWNING|FIRE|{u}呼叫{c}，有小孩掉进河里，快叫消防
report|MISSING_CHILD||{c}，{u}报告，{l}有个孩子走失，男孩，五岁，黑色短裤
report|MISSING_PERSON|POLICE|{c}，这里是{u}，有个患老年痴呆的老人走丢了，请派出所协助
report|CARDIAC_ARREST|EMS|{c}，我是{u}，{l}有个人心脏骤停，正在做心肺复苏，快叫120
report|UNCONSCIOUS|EMS|{u}报告{c}，{l}一名男子昏迷倒地，请救护车快来
report|MEDICAL|EMS|{c}，{u}，有孕妇肚子痛，要生了，请叫急救车
report|FOOD_POISONING||{c}，{u}报告，十几个学生吃完饭呕吐，怀疑食物中毒
report|ELECTRIC_SHOCK|EMS,POWER|{c}，我是{u}，{l}修灯的师傅触电了，请急救和供电局过来
report|ELEVATOR_TRAP|ELEVATOR|{u}呼叫{c}，{l}电梯坏了，困住三个人，请通知电梯公司
report|TRAPPED|FIRE|{c}，{u}，有个小朋友被反锁在屋里，请消防来开门
report|TRAFFIC_ACCIDENT|TRAFFIC_POLICE,EMS|{c}，{u}报告，{l}公交车撞了电动车，人躺在地上，请交警和120
report|WATER_FAULT|WATER|{c}，我是{u}，{l}水管破裂，到处是水，请自来水公司处理
report|POWER_FAULT|POWER|{u}报告{c}，我们这里全部停电，请供电局检修
report|TREE_WEATHER||{c}，{u}，台风把{l}的树吹倒了，压了两辆车
report|ANIMAL||{u}报告，{l}有流浪狗咬伤人
report|VANDALISM|POLICE|{c}，{u}，{l}有人在砸玻璃，请派警察制止
report|UNKNOWN||{c}，{k}呼叫，我们这里有紧急情况
report|UNKNOWN||{c}，{u}，出大事了，请马上派人过来
report|FIRE|FIRE|{c}，{k}报告，{l}起火，请求消防增援
checkin|||{c}，{u}今天{n}人到岗，装备齐全，一切正常
checkin|||{u}，现有{n}人在岗，没有异常情况
checkin|||{k}报告，{n}人在岗，情况正常
checkin|||{u}报备，应到{e}人，实到{n}人
rollcall_answer|||{u}收到，{n}人在岗，一切正常
rollcall_answer|||我是{u}，{n}个人在岗
rollcall_answer|||{k}，在岗{n}人，装备完好
rollcall_answer|||{c}，{u}到，应到{e}实到{n}
rollcall_call|||{c}呼叫{v}，听到请回答
rollcall_call|||{v}，{v}，收到请回话
hail|||{u}呼叫{c}，{u}呼叫{c}，请回答
hail|||{c}{c}，{k}呼叫
ack|||{u}收到，我们正在赶过去
ack|||{u}明白，两分钟到
arrived|||{u}报告，{n}人已到达{l}
cancel|||{c}，{u}，刚才报的警是误报，请取消
cancel|||{u}报告{c}，搞错了，没有着火，是在烧烤
resolve|||{c}，{u}报告，孩子已经找到了，交给家长了
resolve|||{c}，我是{u}，打架的人已经被带走，现场恢复正常
exercise|||演习，{c}，我是{u}，模拟{l}发生煤气泄漏，请求支援
exercise|||{u}报告，以下是演练，{l}有人持刀伤人，请警察增援
chatter|||明天早上几点集合，记得穿制服
chatter|||师傅，麻烦你把车往{m}那边挪一挪
chatter|||昨晚的球赛你看了没有，真精彩
chatter|||我等一下去{m}买点水果，要不要帮你带
test|||{c}，{u}试话，信号怎么样
say_again|||{u}，刚才没听到，麻烦再讲一次
""",
}
_ACTS = {
    "report": "report", "checkin": "present", "rollcall_answer": "present", "hail": "hail", "rollcall_call": "hail",
    "ack": "ack_received", "arrived": "arrived", "cancel": "cancel", "resolve": "resolve", "exercise": "report",
    "chatter": "", "test": "test_only", "say_again": "say_again",
}  # fmt: skip
_POLARITY = {"report": "report", "cancel": "cancel", "resolve": "resolve"}


def city_templates() -> list[Template]:
    """All templates; ids carry split, kind and number, and `city` tells them from the first set's."""
    made = []
    for split, block in _LINES.items():
        for number, line in enumerate(block.strip().splitlines()):
            kind, code, agencies, text = line.split("|")
            made.append(
                Template(
                    f"city-{split}-{kind}-{number:02d}", split, kind, text, code, agencies.replace(",", "|"),
                    _acts(kind, text), _POLARITY.get(kind, "none"), int(kind == "exercise"),
                )
            )  # fmt: skip
    return made


def _acts(kind: str, text: str) -> str:
    if kind == "rollcall_call" and "请报告" in text:
        return ""
    if kind == "rollcall_answer" and "收到" in text:
        return "ack_received|present"
    return "" if kind == "hail" and "请" not in text else _ACTS[kind]
