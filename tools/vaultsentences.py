"""The judge split `vault`: run once on 2026-11-23, and used up since.

Most of its reports are worded as the domain's documents word them, the last 26 and some before them as guards
and shop assistants speak.
"""

from tools.judgesplits import JudgeSplit

# ruff: noqa: E501 - a sentence stays on its line, as the lists below read best

_LINES = """
report|KNIFE_ATTACK|POLICE|{c}，我是{u}，{l}有人持刀伤人，请求公安支援
report|KNIFE_ATTACK|POLICE|{u}呼叫{c}，一个男的拿着水果刀在{l}捅了人，快派警察
report|HOSTAGE|POLICE|{c}，{u}报告，{l}有人持刀劫持一名店员，请求警察支援
report|VEHICLE_RAMMING|POLICE,EMS|{u}紧急报告，{l}有车辆冲撞人群，请派警察和救护车
report|EXPLOSION|FIRE|{c}{c}，{u}呼叫，{l}发生爆炸，请求消防支援
report|BOMB_THREAT|POLICE|{c}，我是{u}，有人打电话来说楼里有炸弹，请派警察
report|ROBBERY|POLICE|{u}报告，{l}有人抢劫，往公交站方向跑了，请公安支援
report|SNATCHING||{c}，{u}，一位女士的手机在{l}被人抢走了，骑电动车跑的
report|THEFT||{k}报告，{l}抓到一个偷东西的，人已经控制住了
report|THEFT|POLICE|{c}，{u}，我们店里的收银机被偷了，请民警过来看监控
report|FRAUD|POLICE|{c}，{u}报告，一位老人疑似遇到电信诈骗，正在转账，请民警劝阻
report|SEXUAL_OFFENCE|POLICE|{u}呼叫{c}，{l}有女学生被人猥亵，请派警察
report|DRUGS|POLICE|{c}，这里是{u}，{l}有人吸毒，请公安处理
report|ASSAULT|EMS|{c}，{u}报告，有名员工被人打伤了，请叫救护车
report|FIGHT|POLICE|{c}，我是{u}，{l}有多人打架斗殴，请派警察
report|FIGHT||{k}，{l}两帮人打起来了，动了棍子
report|DISTURBANCE|POLICE|{u}报告{c}，有人在{l}寻衅滋事，请求支援
report|DRUNK|POLICE|{c}，{u}，{l}有人喝醉酒闹事，请派民警
report|VANDALISM||{u}呼叫{c}，有人砸了我们的玻璃门，还在{l}
report|MENTAL_CRISIS|POLICE|{c}，我是{u}，{l}有精神病人情绪失控，请警察协助
report|DISPUTE||{u}报告，两户业主为了停车位发生纠纷，吵得厉害
report|DOMESTIC|POLICE|{c}，{u}，{l}有住户家暴，请派民警上门
report|CROWD_GATHERING|POLICE|{c}，我是{u}，{l}聚集了几十人，请求警力支援
report|CROWD_CRUSH|EMS,POLICE|{u}紧急报告，{l}发生踩踏，有人受伤，请派救护车和警察
report|INTRUSION|POLICE|{c}，{u}报告，一个陌生人强行闯入校园，请公安支援
report|SUSPICIOUS_PERSON||{c}，{k}报告，{l}有可疑人员徘徊
report|SUSPICIOUS_ITEM|POLICE|{u}呼叫{c}，{l}发现可疑物品，请求排查
report|SUSPICIOUS_VEHICLE||{c}，{u}报告，{l}有一辆可疑车辆，没有车牌
report|BULLYING||{c}，{u}，{l}有学生被几个人欺负，围着打
report|DRONE||{u}报告{c}，操场上空有不明无人机在飞
report|NOISE||{c}，{u}，{l}有人半夜放音响扰民
report|EBIKE_FIRE|FIRE|{c}，我是{u}，{l}电动车起火，请求消防支援
report|VEHICLE_FIRE|FIRE|{u}呼叫{c}，{l}一辆面包车着火了，请派消防
report|FIRE|FIRE|{c}，{u}报告，{l}着火了，火势很大，请求消防支援
report|FIRE|FIRE,EMS|{c}{c}，{k}紧急呼叫，{l}失火了，还有人困在里面，请派消防和救护车
report|SMOKE|FIRE|{c}，{u}，{l}冒浓烟，请消防过来检查
report|GAS_LEAK|GAS|{u}报告{c}，{l}燃气泄漏，请派燃气公司抢修
report|GAS_LEAK|FIRE|{c}，我是{u}，{l}闻到很重的煤气味，请消防来看
report|HAZMAT|FIRE|{c}，{u}呼叫，{l}有化学品泄漏，请求消防
report|COLLAPSE|FIRE|{c}，{u}报告，{l}围墙坍塌，压到人了，请消防救援
report|FALLING_OBJECT||{c}，我是{u}，有人高空抛物，在{l}
report|TREE_WEATHER||{u}报告，{l}有大树倒了，堵住了路
report|WATER_FAULT||{c}，{u}，{l}内涝严重，水淹到车轮了
report|WATER_FAULT|WATER|{c}，{k}报告，{l}水管爆裂，请自来水公司抢修
report|POWER_FAULT|POWER|{u}呼叫{c}，整栋楼停电了，请供电局抢修
report|SUICIDE_JUMP|FIRE,POLICE,EMS|{c}，我是{u}，有人在{h}要跳楼，需要消防、公安和120
report|SUICIDE_JUMP|FIRE|{u}紧急报告，{h}坐着一个女的，情绪激动想轻生，请消防支援
report|FALL_FROM_HEIGHT|EMS|{c}，{u}报告，有工人从高处坠落，请叫救护车
report|DROWNING|EMS|{c}，{u}呼叫，有人落水了，在{l}，请派救护车
report|MISSING_CHILD|POLICE|{c}，我是{u}，有小孩走失，六岁女孩，红色裙子，请警察帮忙找
report|MISSING_PERSON||{u}报告{c}，一位老人走失，七十多岁，穿灰色外套
report|CARDIAC_ARREST|EMS|{c}{c}，{u}，{l}有人没有呼吸心跳，正在做心肺复苏，快叫120
report|UNCONSCIOUS|EMS|{c}，{u}报告，{l}有人晕倒了，请派救护车
report|MEDICAL|EMS|{c}，我是{u}，一位老人突发心脏病，请叫救护车
report|FOOD_POISONING|EMS|{u}报告{c}，多名学生食物中毒，请派救护车
report|ELECTRIC_SHOCK|EMS|{c}，{u}，{l}有人触电，请叫120
report|ELEVATOR_TRAP|ELEVATOR|{c}，{k}报告，{l}电梯困人，请派维保
report|ELEVATOR_TRAP|FIRE|{u}呼叫{c}，三个人被困在电梯里，请消防来开门
report|TRAPPED|FIRE|{c}，{u}，有小孩被反锁在车里，请消防帮忙
report|TRAFFIC_ACCIDENT|TRAFFIC_POLICE,EMS|{c}，我是{u}，{l}发生交通事故，有人受伤，请交警和救护车
report|TRAFFIC_BLOCK|TRAFFIC_POLICE|{u}报告，{l}严重堵车，请交警来疏导
report|LOST_PROPERTY||{u}报告，有人在{l}捡到一个书包，请问怎么处理
report|ASSIST||{c}，{u}，一位老人走不动了，请派人来帮忙
report|ANIMAL||{c}，{u}，{l}有流浪狗追着咬人
report|UNKNOWN||{c}，我是{u}，我这里有紧急情况汇报
report|UNKNOWN||{c}，{k}呼叫，有突发事件，请求支援
checkin|||{u}今天{n}人上岗，一切正常
checkin|||{c}，{u}报告，在岗{n}人，情况正常
checkin|||{k}，{n}人已打卡上岗，没有异常
checkin|||{c}，我是{u}，今日应到{e}人，实到{n}人
checkin|||{u}报备上岗，{n}名队员全部到位
rollcall_answer|||{u}收到，我们在岗{n}人，一切正常
rollcall_answer|||{c}，{u}到，在岗{n}人，装备齐全
rollcall_answer|||{k}收到，{n}人在岗
rollcall_answer|||{u}到，应到{e}人，实到{n}人
rollcall_answer|||收到，{u}共{n}人在岗，完毕
rollcall_answer|||{c}，我是{u}，我们一共{n}个人在岗
ack|||{u}收到，马上出发
ack|||收到，{k}明白，正在赶往现场
arrived|||{c}，{u}已到达现场，{n}人，请指示
arrived|||{u}到达{l}，正在处置
hail|||{c}，{c}，{u}呼叫，收到请回答
hail|||{k}呼叫{c}，听到请讲
rollcall_call|||{c}呼叫{v}，{c}呼叫{v}，听到请回答
rollcall_call|||{v}，{v}，收到请报告在岗人数
cancel|||{c}，{u}报告，刚才的火警是误报，取消支援
cancel|||{u}呼叫{c}，没有人打架，是误会，请取消
cancel|||{c}，我是{u}，跳楼的消息是假的，误报，撤销
cancel|||{u}，更正，没有爆炸，是车胎爆了，误报
resolve|||{c}，{u}报告，火已经扑灭，现场处置完毕
resolve|||{c}，我是{u}，走失的孩子已经找到了
resolve|||{u}报告{c}，打架的人已经带走，现场恢复正常
resolve|||{c}，{u}，被困的人已经救出来了，没有受伤
resolve|||{k}报告，电梯已经修好，人员安全，处置完毕
exercise|||演练，演练，{u}报告，{l}发生火灾，请求消防支援
exercise|||{c}，我是{u}，这是演练，{l}有人持刀伤人
report|FIRE|FIRE|{c}，我是{x}，{l}着火了，请派消防
checkin|||{x}，{n}人在岗，一切正常
test|||{u}试机，声音清楚吗
say_again|||{c}，{u}没听清，请重复
chatter|||刚才那个快递放在{m}前台就行
chatter|||下午去{m}开会，记得带本子
chatter|||昨天电视上说有个地方发大水，淹了好多房子
chatter|||你们那边下雨没有，我衣服还晾着
chatter|||晚上打球去不去，少一个人
chatter|||我把钥匙放在桌子上了，你下班锁门
chatter|||那个消防栓的标签贴好了没有
chatter|||食堂今天有红烧肉，早点过来
chatter|||他的手机打不通，你再打一次
chatter|||明天消防演练的通知你看到了吗
report|KNIFE_ATTACK|POLICE|{c}，我{u}的保安，有个人掏出把西瓜刀在{l}乱挥，我们拿叉子顶着他，警察快点来
report|HOSTAGE|POLICE|{u}，{l}那个男的勒着一个小姑娘的脖子当人质，说谁过来就弄死她，赶紧叫公安
report|EXPLOSION|FIRE,EMS|{c}，{u}，后厨那个罐子砰一下炸开了，墙都裂了，有人烫着了，要消防和救护车
report|ROBBERY|POLICE|{k}，刚有两个人把收银员按住，抢了柜台里的钱就跑，请民警过来
report|THEFT||{u}跟{c}说一下，{l}有人趁着挤掏人家口袋，被我们逮住了
report|FRAUD|POLICE|{c}，{u}柜台，有个大爷接了电话，对方叫他把存款转到安全账户，请民警过来劝劝
report|ASSAULT|POLICE|{u}，我们一个同事让客人扇了两巴掌，脸都肿了，人还在{l}，请派出所来处理
report|FIGHT|POLICE|{c}，我是{u}，{l}两家摊主抢位置，拳头都用上了，拉都拉不开，叫民警来
report|DRUNK||{u}，有个酒鬼在{l}逮着谁跟谁闹，瓶子也摔了，我们劝不动
report|DISPUTE||{c}，{u}，有个顾客买的鞋子开胶了要退，店家不肯，两边争了半天
report|INTRUSION||我是{u}门卫，有个家长没登记，推开我们就往{l}跑，没拦住
report|SUSPICIOUS_PERSON|POLICE|{c}，{u}，{l}有个人挨个拉车门把手，看见我们就躲，麻烦警察来盘一下
report|SMOKE||{u}，{l}的烟感一直叫，楼道里雾蒙蒙的，呛人，还没找到哪里来的
report|FIRE|FIRE|{c}，{k}，{l}那家店窗户里往外窜火，人都跑出来了，请消防快点
report|COLLAPSE|FIRE|{u}报告，{l}那面墙突然塌下来，底下压着两个人，叫消防来救
report|WATER_FAULT||{c}，{u}，雨太大，{l}的水都漫到膝盖了，还在往里灌
report|SUICIDE_JUMP|FIRE,EMS|{u}，{h}有个大姐跨到栏杆外边去了，一直哭，谁劝也不听，请消防带气垫来，救护车也要
report|DROWNING|EMS|{c}，{u}，{l}那边水池里漂着一个人，我们正在捞，快叫救护车
report|MISSING_CHILD|POLICE|{u}，有个爷爷说一转身孙子就没影了，四岁，黄衣服，请民警帮着找
report|UNCONSCIOUS|EMS|{c}，{u}，{l}有个跑步的大哥栽倒了，闭着眼，拍他没反应，还有气，叫120
report|MEDICAL|EMS|{k}呼叫{c}，有位孕妇肚子疼得站不住，恐怕快生了，请派救护车
report|ELEVATOR_TRAP|ELEVATOR|{u}，{l}的电梯门打不开，里面有人按铃喊我们，联系维保的来
report|TRAFFIC_ACCIDENT|TRAFFIC_POLICE|{c}，{u}，两台车在{l}碰了，司机谁都不让谁，请交警来定责
report|ANIMAL||{u}，{l}的树上有个好大的马蜂窝，蜇了两个人
report|TRAPPED|FIRE|{u}，有个老太太把自己锁屋里出不来，炉子上还煮着东西，请消防来开门
report|THEFT||{c}，我是{x}，{l}有人在拆电瓶车的电瓶，不是车主
checkin|||{c}，{u}换班了，现在{n}个人顶着，没什么情况
checkin|||{u}，盾牌钢叉都在，{n}人值守，平安
checkin|||{c}，{k}上班了，{n}个人
rollcall_answer|||{u}有，{n}个人
rollcall_answer|||{c}，{u}在的，人没缺，一共{n}人
rollcall_answer|||听到，这里{u}，应该{e}个，来了{n}个
ack|||{k}收到，这就安排
arrived|||{u}{n}个人到{l}了，没看见人
rollcall_call|||{v}听到没有，马上带上盾牌到{l}集合
cancel|||{c}，{u}，刚说有人晕倒那个不用来了，他就是睡着了，误报
cancel|||{u}，那个报警是做饭油烟熏的，没有火，误报，消防别来了
cancel|||{c}，我是{u}，孩子没丢，在隔壁玩呢，误报误报
resolve|||{u}，喝醉那位家里人接走了，处置完毕
resolve|||{c}，{k}，漏水的阀门关上了，处置完毕
resolve|||{u}报告，捣乱的客人让民警带走了，处置完毕
exercise|||{c}，{u}，现在是演练，假设{l}有人晕倒，我们两个人抬担架过去
test|||{c}，{k}试一下机，听得到不
chatter|||{m}上个月不是遭了贼嘛，后来抓到没有
chatter|||我表哥在{m}当保安，说那边打架的多得很
chatter|||电影里那个劫匪最后还是跑掉了
chatter|||老李摔伤的腿好点没，什么时候回来上班
chatter|||你看{m}发的那个防诈骗海报，贴到大堂去
"""

VAULT = JudgeSplit(
    name="vault",
    seed=137,
    voices=(
        "af_kore+jf_tebukuro/zf_xiaoxiao", "am_onyx+jf_tebukuro/zm_yunxi", "bm_fable+jf_tebukuro/zm_yunjian",
        "af_kore+bm_fable/zf_xiaobei", "am_onyx+bm_fable/zm_yunjian", "af_kore+am_onyx/zf_xiaoxiao",
    ),
    places=(
        "22栋", "3号楼大堂", "南门", "负一层车库", "2楼走廊", "东侧围墙", "6栋1单元", "停车场", "9号门", "小广场",
        "A座三楼", "门卫室", "11号楼楼下", "北侧通道",
    ),
    heights=("3号楼楼顶", "12栋天台", "7楼阳台", "10号楼楼顶"),
    posts=("指挥中心", "指挥中心", "指挥中心", "总台"),
    strangers=("紫薇茶餐厅", "北环驾校", "万和婚庆馆", "水口粮油店"),
    lines=_LINES,
)  # fmt: skip
