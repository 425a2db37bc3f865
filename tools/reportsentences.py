"""A second set of dev sentences: what people report in their own words, written before reading the lexicon.

Half a is worked with; of half b only the figures are looked at while working, so that a change that helps
only the wording it was made for is seen. Each is a line of `CODE|sentence`, with `{u}` the caller, `{c}` the
command post, `{l}` a place; a head count is written as it is said and told after a second bar.
"""

from dataclasses import dataclass

# ruff: noqa: E501 - a sentence stays on its line


@dataclass(frozen=True, slots=True)
class Reported:
    """One sentence; `code` is empty where nothing is reported, `headcount` and `expected` where none is told."""

    id: str
    half: str
    kind: str
    text: str
    code: str = ""
    headcount: str = ""
    expected: str = ""


PLACES = {
    "a": (
        "11栋3单元602", "东侧围墙边上", "三楼楼梯口", "7幢地下一层", "北门岗亭旁边", "二号教学楼后面", "中山路和解放路路口",
        "一楼大厅", "9号楼天台", "公交站台对面", "C座十二层", "负二层停车场",
    ),
    "b": (
        "16座1201室", "西门外马路上", "四楼走廊", "5号楼2单元门口", "南侧消防通道", "二期地库", "人民路与建设路交叉口",
        "小广场旁边", "后门垃圾房", "A栋楼顶", "地铁B出口", "四号门右边",
    ),
}  # fmt: skip

_REPORTS_A = """
FIRE|{c}{c}，我是{u}，{l}烧起来了，火挺大的，赶紧叫消防过来
FIRE|{u}呼叫{c}，{l}有户人家厨房着了，窗户里看得到火苗
FIRE|{u}报告，{l}垃圾桶被烟头引燃了，我们正在用灭火器打
SMOKE|{c}，{u}，{l}一直往外冒黑烟，还没看到明火
SMOKE|我是{u}，{l}一股焦糊味，楼道里全是烟
EBIKE_FIRE|{u}紧急报告，{l}一辆电瓶车充着电突然烧了
VEHICLE_FIRE|{c}，这里是{u}，{l}有台小轿车发动机盖下面着火了
GAS_LEAK|{u}呼叫，{l}煤气味特别重，怀疑是管子漏了
HAZMAT|{c}，{u}报告，{l}有一桶不知道什么化学品打翻了，味道刺鼻，呛得人睁不开眼
EXPLOSION|{u}，{l}刚才轰的一声炸了，玻璃碎了一地
BOMB_THREAT|{u}报告，有人打电话说在{l}放了炸弹
KNIFE_ATTACK|{c}快来人，{u}，{l}有个男的拿着刀乱砍人
KNIFE_ATTACK|{u}紧急呼叫，{l}一男子手里提着菜刀追着人跑
HOSTAGE|{u}报告，{l}有个人用刀架在女的脖子上，不让人靠近
VEHICLE_RAMMING|{u}呼叫{c}，{l}一辆面包车冲进人群里撞人
ROBBERY|{c}，{u}，{l}刚有人拿刀逼着收银员把钱交出来，抢完跑了
SNATCHING|{u}报告，{l}一个骑摩托的把女孩子的包扯走了
THEFT|{u}，{l}有业主说电动车被人偷走了
THEFT|这里是{u}，抓到一个偷东西的，在{l}，请派人来处理
FRAUD|{u}报告，{l}有个老太太要给骗子转账，劝不住
SEXUAL_OFFENCE|{c}，{u}，{l}有女生反映被一个男的摸了
DRUGS|{u}报告，{l}厕所里发现有人扎针，地上有针头和白色粉末
ASSAULT|{u}呼叫{c}，{l}有人被打了，头上流血
FIGHT|{u}，{l}两伙人打起来了，有七八个人
FIGHT|{c}，我是{u}，{l}几个小年轻在互殴，拉都拉不开
DISTURBANCE|{u}报告，{l}有人在这里闹事，见东西就摔
DRUNK|{u}呼叫，{l}有个喝多了的躺在地上不肯走
VANDALISM|{u}报告，{l}有人拿石头把玻璃门给砸了
MENTAL_CRISIS|{c}，{u}，{l}一个精神不太正常的男子又喊又叫还脱衣服
DISPUTE|{u}报告，{l}有顾客跟店家吵得很凶，快要动手了
DOMESTIC|{u}，{l}楼上两口子又打又骂，女的在喊救命
CROWD_GATHERING|{u}呼叫{c}，{l}来了三四十号人拉横幅讨工资
CROWD_CRUSH|{u}紧急报告，{l}人太多挤倒了，有人被踩在下面
INTRUSION|{u}，{l}有人翻墙进来了，已经跑到教学楼那边
SUSPICIOUS_PERSON|{u}报告，{l}有个戴口罩的男的来回转悠，鬼鬼祟祟的
SUSPICIOUS_ITEM|{c}，{u}，{l}有个黑色的箱子放了半天没人拿
SUSPICIOUS_VEHICLE|{u}报告，{l}一台没有牌照的面包车停了一上午，里面有人
BULLYING|{u}，{l}几个学生围着一个同学扇耳光
DRONE|{u}报告，{l}上空有架无人机一直在飞
NOISE|{u}，{l}有人跳广场舞音响开得太大，居民投诉
COLLAPSE|{c}，{u}，{l}脚手架塌了，下面压着人
FALLING_OBJECT|{u}报告，{l}楼上掉下来一块玻璃，差点砸到人
TREE_WEATHER|{u}，{l}一棵大树被风刮倒了，把路挡住了
WATER_FAULT|{u}报告，{l}水管爆了，水漫得到处都是
POWER_FAULT|{c}，{u}，{l}整栋楼突然没电了
SUICIDE_JUMP|{u}紧急报告，{l}有个女孩坐在栏杆外面，说要跳下去
FALL_FROM_HEIGHT|{u}，{l}有个擦玻璃的工人从上面摔下来了
DROWNING|{c}快，{u}，{l}旁边的河里有人掉进去了，在水里扑腾
MISSING_CHILD|{u}报告，一个五岁小男孩在{l}跟妈妈走散了，穿蓝色衣服
MISSING_PERSON|{u}，{l}有位大爷有老年痴呆，早上出门到现在没回来
CARDIAC_ARREST|{u}紧急呼叫，{l}有人突然没心跳了，正在做心肺复苏
UNCONSCIOUS|{c}，{u}，{l}有个老太太昏过去了，怎么叫都没反应
UNCONSCIOUS|{u}报告，{l}一名保安突然倒地，叫不醒
MEDICAL|{u}，{l}有个大爷胸口疼得厉害，脸色发白，帮忙叫个救护车
MEDICAL|{u}呼叫{c}，{l}有个孕妇肚子疼快要生了
FOOD_POISONING|{u}报告，{l}十几个学生吃完午饭上吐下泻
ELECTRIC_SHOCK|{u}紧急报告，{l}有个师傅被电打了，倒在配电箱旁边
ELEVATOR_TRAP|{u}，{l}电梯卡住了，里头关了四个人
TRAPPED|{u}报告，{l}有个小孩手卡在栏杆里拔不出来
ANIMAL|{u}，{l}有条大狗没拴绳，咬了人
TRAFFIC_ACCIDENT|{u}报告，{l}两辆车追尾了，有人受伤
TRAFFIC_BLOCK|{c}，{u}，{l}堵得一动不动，请交警过来疏导一下
LOST_PROPERTY|{u}，{l}有人捡到一个钱包，里面有身份证
UNKNOWN|{u}呼叫{c}，{l}情况控制不住，请求支援
"""

_REPORTS_B = """
FIRE|{u}，{l}起火了，火势在往上窜
FIRE|{c}，这里{u}，{l}店铺里面有明火，里面可能还有人
FIRE|{u}报告，{l}杂物堆着起来了，我们的人在灭
SMOKE|{u}呼叫{c}，{l}在冒浓烟，什么情况还不清楚
SMOKE|{u}，{l}闻到很大的烧焦的味道，看见有烟出来
EBIKE_FIRE|{c}，{u}，{l}电动自行车的电池炸了，火苗有一人高
VEHICLE_FIRE|{u}报告，{l}停着的一辆货车自燃了
GAS_LEAK|{c}，我是{u}，{l}闻到一股天然气的味道，住户说阀门关不上
HAZMAT|{u}，{l}实验室里硫酸洒了，有老师被烧到手
EXPLOSION|{c}{c}，{u}，{l}煤气罐爆炸，有人受伤
BOMB_THREAT|{u}呼叫，{l}有个男的说自己身上绑了炸药
KNIFE_ATTACK|{u}，有人行凶，{l}，已经捅伤两个
KNIFE_ATTACK|{c}，{u}紧急情况，{l}一个人拿着砍刀见人就砍
HOSTAGE|{u}，{l}一个男的抓了个小孩当人质，手里有刀
VEHICLE_RAMMING|{c}，{u}，{l}一辆小车故意往人堆里冲，撞倒好几个
ROBBERY|{u}报告，{l}便利店被抢了，两个蒙面的
SNATCHING|{u}，{l}有人抢了手机就跑，往北边跑了
THEFT|{u}呼叫{c}，{l}工地的电缆叫人给剪走了
THEFT|{c}，{u}，{l}抓住一个小偷，正在撬门
FRAUD|{u}，{l}有居民接到冒充公安的电话，钱已经打过去了
SEXUAL_OFFENCE|{u}报告，{l}有个男的在偷拍女孩子裙底
DRUGS|{c}，{u}，怀疑{l}那间房里有人在吸毒
ASSAULT|{u}，{l}一个送外卖的被几个人围着打
FIGHT|{u}呼叫{c}，{l}有人干架，手里拿着钢管
FIGHT|{u}报告，{l}两个摊主扭打在一块了
DISTURBANCE|{c}，{u}，{l}一帮人堵着大门不让进出，在那里闹
DRUNK|{u}，{l}一个醉汉在店里撒酒疯
VANDALISM|{u}报告，{l}停的车被人划了，轮胎也给扎了
MENTAL_CRISIS|{u}，{l}有个人发病了，疯疯癫癫的拿头撞墙
DISPUTE|{c}，{u}，{l}两家为了停车位吵起来了，派人来调解一下
DOMESTIC|{u}报告，{l}有个男的在家打老婆孩子
CROWD_GATHERING|{u}，{l}好多业主围在售楼部维权，人越来越多
CROWD_CRUSH|{c}，{u}，{l}人群往外挤，有人摔倒被踩了
INTRUSION|{u}报告，{l}有个陌生人硬闯进来，拦不住
SUSPICIOUS_PERSON|{c}，{u}，{l}发现一个形迹可疑的人，在挨家拉门把手
SUSPICIOUS_ITEM|{u}，{l}发现一个来路不明的包裹，滴答滴答响
SUSPICIOUS_VEHICLE|{c}，{u}，{l}有辆外地车在学校门口转了好几圈，很可疑
BULLYING|{u}报告，{l}有高年级学生欺负低年级的，还要钱
DRONE|{c}，{u}，有个无人机在{l}上面盘旋，找不到飞手
NOISE|{u}，{l}半夜还在施工，吵得人睡不着
COLLAPSE|{u}紧急报告，{l}围墙倒了，压到人了
FALLING_OBJECT|{c}，{u}，{l}有人从楼上往下扔东西
TREE_WEATHER|{u}，刮大风把{l}的广告牌吹下来了
WATER_FAULT|{c}，{u}，{l}被水淹了，水有半米深
POWER_FAULT|{u}，{l}停电了，应急灯也没亮
SUICIDE_JUMP|{c}，{u}，{l}有人要跳楼，人已经站到边上了
FALL_FROM_HEIGHT|{u}紧急报告，{l}有人坠楼，躺在地上不动了
DROWNING|{u}，{l}池塘里有个小孩溺水
MISSING_CHILD|{c}，{u}，{l}有家长说女儿不见了，七岁，扎马尾辫
MISSING_PERSON|{u}报告，{l}有个老人走丢了，家里人找了一天了
CARDIAC_ARREST|{c}，{u}，{l}一个跑步的倒下了，没有呼吸没有脉搏，快拿除颤仪
UNCONSCIOUS|{u}，{l}有人晕倒了，喊他没反应
UNCONSCIOUS|{c}，{u}报告，{l}一位大姐中暑昏迷了
MEDICAL|{u}，{l}有个小孩抽筋口吐白沫，快叫120
MEDICAL|{c}，{u}，{l}有位老人摔了一跤，腿动不了
FOOD_POISONING|{u}，{l}好几个工人吃坏了肚子，又吐又拉，像是食物中毒
ELECTRIC_SHOCK|{c}，{u}，{l}有人触电，已经拉了闸
ELEVATOR_TRAP|{u}报告，{l}有人被困在电梯里出不来
TRAPPED|{c}，{u}，{l}房门反锁，有个孩子一个人关在里面
ANIMAL|{u}，{l}发现一条蛇，盘在台阶上
TRAFFIC_ACCIDENT|{c}，{u}，{l}一辆轿车把骑电动车的撞了，人躺地上
TRAFFIC_BLOCK|{u}报告，{l}有辆大货车抛锚横在路中间，后面都过不去
LOST_PROPERTY|{c}，{u}，{l}有个乘客把行李落下了
UNKNOWN|{u}，{l}我们人手不够，请再派几个人过来
"""

_COUNTS_A = """
rollcall_answer|{u}收到，都在岗，一共五个|5
rollcall_answer|{u}到，今天我们俩|2
rollcall_answer|收到，{u}，在位四个人，装备齐全|4
rollcall_answer|{u}应到六人，实到五人，一人请假|5|6
rollcall_answer|{u}报告，三名队员全部在位，情况正常|3
rollcall_answer|{u}收到，现在岗上有七个人|7
rollcall_answer|{u}，加我一共四个，没有异常|4
rollcall_answer|{u}应答，十二人在岗，一切正常|12
checkin|{u}三人上岗，一切正常|3
checkin|{u}报备，今天早班来了六位，设备正常|6
checkin|{c}，{u}两个人已经到岗|2
checkin|{u}夜班交接完毕，八人值守|8
rollcall_answer|{u}回答，编制十人，现有九人|9|10
rollcall_answer|{u}在，就我一个人|1
"""

_COUNTS_B = """
rollcall_answer|{u}收到，我们这边三个，都在|3
rollcall_answer|{u}，保安队员应到八个，到了七个|7|8
rollcall_answer|{u}报告{c}，在岗人员十一名|11
rollcall_answer|收到收到，{u}两人在岗，没什么情况|2
rollcall_answer|{u}，四位同事都在位置上|4
rollcall_answer|{u}明白，本班共六人，全员在岗|6
rollcall_answer|{u}实有五人，请指示|5
rollcall_answer|{u}收到，人数九人，装备完好|9
checkin|{u}已上岗，人员四名|4
checkin|早上好，{u}今天值班十个人，正常|10
checkin|{c}，{u}报到，我们仨都到齐了|3
checkin|{u}打卡上岗，总共七人|7
rollcall_answer|{u}听到，应到四人实到四人|4|4
rollcall_answer|{u}，这边有两名保安在门口站岗|2
"""

_QUIET_A = """
chatter|师傅，你那边中午订几份盒饭，我好一起报
chatter|那个灭火器月底要年检了，记得把单子填一下
chatter|昨天电视里那个失火的新闻你看了没有，太吓人了
chatter|电梯维保的师傅下午两点来，到时候你开一下门
chatter|三号岗换个电池，对讲机声音有点小
chatter|明天有消防培训，每个班去两个人
chatter|刚才那个外卖小哥问路的，没什么事
chatter|防溺水的宣传单发完了没有，没有的话再去领一点
cancel|{u}报告，刚才说的冒烟是人家在烧香，没事了
cancel|{c}，{u}，打架那个是误会，两个人闹着玩的，取消
resolve|{u}报告，{l}的火已经灭掉了，没有人受伤
resolve|{c}，{u}，走丢的小孩找到了，已经交给家长
checkin|{u}巡逻一圈，没有发现可疑人员，一切正常
checkin|{u}报告，夜间没有火情没有盗窃，平安无事
command|各单位注意，近期电动车起火多发，请加强巡查
command|今晚有大风，各岗位检查一下高空物品，防止坠物
"""

_QUIET_B = """
chatter|小李，把门口那辆车挪一挪，送货的要进来
chatter|晚上值班的人记得把水电都检查一遍
chatter|你儿子发烧好点没有，不行明天请个假
chatter|听说隔壁小区上个月被偷了好几户，咱们也得留点神
chatter|那批新的防刺服放在哪个柜子里了
chatter|今天广场上搞活动人挺多的，有点吵，正常
chatter|监控室空调坏了，叫人修一下
chatter|周五下午学防身术，教官会来教怎么用钢叉
cancel|{c}，{u}，报警器是做饭的油烟触发的，虚惊一场
cancel|{u}更正，不是持刀，是送货的拿着裁纸刀拆箱子
resolve|{u}报告，吵架的两边已经劝开了，都走了
resolve|{c}，{u}，被困电梯的人已经救出来了
checkin|{u}报告，巡查完毕，没有异常情况
checkin|{c}，{u}，校门口秩序良好，没有打架斗殴
command|请各店铺下班前关好煤气，注意防火防盗
command|大家注意，晚上八点统一测试警报器，不要惊慌
"""


def reported() -> list[Reported]:
    """Every sentence of both halves, in a fixed order."""
    found: list[Reported] = []
    for half, reports, counts, quiet in (
        ("a", _REPORTS_A, _COUNTS_A, _QUIET_A),
        ("b", _REPORTS_B, _COUNTS_B, _QUIET_B),
    ):
        for n, line in enumerate(reports.split("\n")[1:-1]):
            code, text = line.split("|")
            found.append(Reported(f"dev2{half}-report-{n:02}", half, "report", text, code))
        for n, line in enumerate(counts.split("\n")[1:-1]):
            kind, text, count, *expected = line.split("|")
            found.append(Reported(f"dev2{half}-count-{n:02}", half, kind, text, "", count, "".join(expected)))
        for n, line in enumerate(quiet.split("\n")[1:-1]):
            kind, text = line.split("|")
            found.append(Reported(f"dev2{half}-quiet-{n:02}", half, kind, text))
    return found
