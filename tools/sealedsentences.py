"""The judge split `sealed`: run once on 2026-11-23, and used up since. What came after it is tuned on it, too."""

from tools.judgesplits import JudgeSplit

# ruff: noqa: E501 - a sentence stays on its line, as the lists below read best

_LINES = """
report|KNIFE_ATTACK|POLICE|{c}{c}，{u}，快点，{l}有个男的拿着菜刀追着人砍，赶紧叫派出所的人来
report|HOSTAGE|SWAT|{u}呼叫{c}，{l}有人挟持了一个女店员，刀架在脖子上，需要特警
report|VEHICLE_RAMMING|EMS|{c}，我是{u}，有辆越野车故意往人群里冲，撞倒了好几个，快叫120
report|EXPLOSION|FIRE|{u}报告，{l}刚刚轰的一声炸了，玻璃全碎了，请消防过来
report|BOMB_THREAT|POLICE|{c}，{u}这边接到个匿名电话，说在我们楼里放了炸弹，请公安来处置
report|ROBBERY|POLICE|{c}，{k}，{l}那家金店被人抢了，两个戴头盔的往外跑，派警察过来
report|SNATCHING||这里是{u}，刚才有个骑摩托的把一位阿姨的金项链扯走了，往大桥那边跑了
report|THEFT|POLICE|{u}，{c}听到吗，有住户说家里进了贼，现金给偷了，帮忙喊民警来登记一下
report|FRAUD||{c}，我是{u}的，有个老人家非要给骗子转账，我们怎么劝都劝不住
report|SEXUAL_OFFENCE|POLICE|{u}报告{c}，{l}有个女孩子说被一个男的非礼了，人我们按住了，请派民警
report|DRUGS|POLICE|{c}，{u}，{l}有几个年轻人好像在吸毒，地上有针管，请警察过来看看
report|ASSAULT|EMS|{c}，我是{u}，我们一个保安被人打了，头上在流血，叫救护车
report|FIGHT|POLICE|{u}报告，{l}几个吃夜宵的打起来了，凳子都抡上了，请派出所快来人
report|DISTURBANCE|POLICE|{c}，{u}前台，有个客人赖在大堂又吼又骂，影响营业，麻烦警察来劝一下
report|DRUNK||{k}呼叫{c}，{l}躺了个喝多了的，吐了一地，叫不走
report|VANDALISM||{c}，{u}，有人拿石头把{l}的监控给砸烂了，人还没走
report|MENTAL_CRISIS|POLICE|{u}呼叫，{l}有个精神不太正常的人，光着脚见人就骂，请民警配合一下
report|DISPUTE||{c}，我是{u}，业主跟装修师傅因为工钱吵得很凶，能不能过来调解一下
report|DOMESTIC|POLICE|{u}报告，{l}有户人家老公在打老婆，小孩一直哭，请警察上门
report|CROWD_GATHERING|POLICE|{c}，{u}汇报，{l}来了五六十号人拉横幅讨薪，请派警力维持秩序
report|CROWD_CRUSH|EMS|{c}{c}，{k}报告，{l}人太多了，挤倒一片，有人被踩到，快派救护车
report|INTRUSION|POLICE|{u}，有个陌生男的翻围墙进来了，现在往{l}去，请民警支援
report|SUSPICIOUS_PERSON||{c}，{u}报一下，{l}有个戴口罩的转了一个多小时，老往人家车里看，很可疑
report|SUSPICIOUS_ITEM|POLICE|{u}呼叫{c}，{l}有个黑色行李箱没人认领，里面滴滴响，请公安来检查
report|SUSPICIOUS_VEHICLE||{c}，我这里是{u}，{l}停了台没挂牌的白色面包车，一晚上没动过，里面好像有人
report|BULLYING||这里是{u}，我们巡逻看到几个大孩子围着一个小同学扇耳光，还在拍视频
report|DRONE||{u}报告{c}，有架无人机一直在我们楼上面飞，不知道是谁放的
report|NOISE||{c}，{u}，{l}半夜还在放音响唱歌，住户投诉好几回了
report|EBIKE_FIRE|FIRE|{c}，我是{u}，{l}充电的电瓶车冒火了，旁边几台也烧着了，快叫消防
report|VEHICLE_FIRE|FIRE|{u}呼叫，{l}一台小轿车车头起火，司机跑出来了，请消防支援
report|FIRE|FIRE|喂{c}，{u}，{l}厨房烧起来了，灭火器压不住，赶紧叫消防车
report|FIRE|MICRO_FIRE|{k}，{l}垃圾堆着了火，风又大，叫微型消防站的兄弟过来
report|SMOKE||{c}，{u}报告，{l}一直往外冒黑烟，明火倒没看见，有股糊味
report|GAS_LEAK|GAS|{u}报告，住户家里煤气漏了，满楼道都是味，请燃气公司来关阀
report|HAZMAT|FIRE|{c}，{u}，{l}一辆罐车的化学品漏了，熏得人睁不开眼，请消防
report|COLLAPSE|FIRE,EMS|{c}{c}，我是{u}，{l}的脚手架垮了，下面压了人，要消防和120
report|FALLING_OBJECT||{u}，楼上又往下扔酒瓶了，砸到一台车，就在{l}
report|TREE_WEATHER||{c}，{u}报告，大风把{l}那棵榕树刮倒了，横在路中间
report|WATER_FAULT|WATER|{k}呼叫{c}，{l}的水管崩了，水喷得好高，请自来水公司抢修
report|POWER_FAULT|POWER|{u}报告，整栋楼突然没电了，到处黑漆漆的，请供电局来人查一下
report|SUICIDE_JUMP|FIRE,EMS|{c}{c}，这里{u}，有个小伙子爬到{h}外面坐着，说不想活了，请消防跟救护车都过来
report|FALL_FROM_HEIGHT|EMS|{u}报告，刷墙的工人从架子上摔下来了，三四米高，人动不了，快叫120
report|DROWNING|WATER_RESCUE|{c}，{u}，有小孩掉到河里了，我们在拿竹竿够他，请派水上救援队
report|MISSING_CHILD||{u}呼叫{c}，有个妈妈在{l}跟儿子走散了，五岁，蓝色背心，帮忙看一下监控
report|MISSING_PERSON|POLICE|{c}，我是{u}，有位老奶奶早上出门到现在没回家，脑子不太记事，请民警帮忙找
report|CARDIAC_ARREST|EMS|{c}，{k}，{l}有人突然倒下，摸不到脉搏了，我们在按压，120快点
report|UNCONSCIOUS|EMS|{u}报告{c}，环卫大姐热晕过去了，怎么喊都不醒，在{l}，请叫救护车
report|MEDICAL|EMS|{c}，{u}这里，有个住户胸口疼得厉害，直冒冷汗，麻烦叫个救护车
report|FOOD_POISONING|EMS|{c}，{u}报告，吃完午饭十几个人上吐下泻，怀疑饭菜有问题，请120过来
report|ELECTRIC_SHOCK|EMS|{u}呼叫，修空调的师傅触电了，人倒在{l}，叫120
report|ELEVATOR_TRAP|ELEVATOR|{c}，{u}，{l}的电梯停在半中间，里面关了一个老人两个小孩，请电梯维保过来
report|TRAPPED|FIRE|{c}，我是{u}，有个小朋友手卡在栏杆里拔不出来，请消防来帮忙弄一下
report|ANIMAL|FIRE|{u}报告，{l}发现一条大蛇，有手腕那么粗，请消防过来抓
report|TRAFFIC_ACCIDENT|TRAFFIC_POLICE,EMS|{u}呼叫{c}，门口一台的士把电动车撞了，骑车的腿断了，请交警，还要救护车
report|TRAFFIC_BLOCK|TRAFFIC_POLICE|{c}，{u}报告，放学接孩子的车把路堵死了，一动不动，请交警来疏导
report|LOST_PROPERTY||{c}，{u}，我们在{l}捡到一个钱包，里面有身份证，失主怎么联系
report|ASSIST||{k}，有位老人家买菜提不动，走不回去了，麻烦派个人来帮一下
report|UNKNOWN||{c}，{u}有突发情况，请马上派人增援
checkin|||{u}，{n}个人到岗了，没什么事
checkin|||{c}早上好，{u}报到，应到{e}个实到{n}个，一切正常
checkin|||{k}，{n}人上岗，装备都带齐了
checkin|||喂，{u}啊，今天{n}个人值班，平安无事
checkin|||我这边是{u}，夜班{n}人已经接班，情况正常
rollcall_answer|||到，{u}，{n}人在岗
rollcall_answer|||{u}听到，我们{n}个人都在，正常
rollcall_answer|||收到收到，{k}在，{n}人，一切正常
rollcall_answer|||{c}，{u}应到{e}人，现在{n}人在位
ack|||{u}明白，马上过去
ack|||好的收到，{u}这就带人去
arrived|||{u}已经到{l}了，来了{n}个人
hail|||{u}叫{c}，{u}叫{c}，听到没有，请回答
rollcall_call|||{v}{v}，我是{c}，听到请讲
cancel|||{c}，{u}，不好意思，刚才那个火警是误报，是有人抽烟弄响了烟感
cancel|||{u}报告，之前说的那个箱子是清洁阿姨落下的，没事，撤销了
cancel|||{c}，我是{u}，虚惊一场，没人打架，是几个小年轻闹着玩
resolve|||{c}，{u}，电梯里的人已经放出来了，都没受伤
resolve|||{u}汇报，火已经扑灭了，没有人员伤亡
resolve|||{u}报告{c}，走丢的老人家属接走了，事情处理完了
exercise|||各位注意这是演习，{u}报告，模拟{l}起火，请求消防支援
exercise|||{c}，{u}，演练演练，假设{l}有持刀歹徒，我们已经拿盾牌过去
exercise|||拉动演练，我是{u}，{l}发现模拟伤员一名，请派救护车
report|FIGHT|POLICE|{c}，我是{x}，{l}有人打架，请派警察
checkin|||{x}报告，{n}人在岗，一切正常
test|||{u}试机，能不能听清楚
say_again|||{u}，你刚说的我没听清，再说一遍
chatter|||老张，帮我看一下{m}那边的外卖送到了没有
chatter|||待会你去{m}门口接一下领导，车牌我发群里了
chatter|||昨天看新闻哪里又着火了，烧了好几间铺子，吓人
chatter|||上次消防培训那个视频你转给我一下
chatter|||刚才那个车是来送桶装水的，放行就行
chatter|||中午食堂吃什么，我想吃面
chatter|||我女儿今天考试，打电话说题目好难
chatter|||你那个对讲机换块电池，快没电了
chatter|||周末去不去水库钓鱼，听说有大的
"""

SEALED = JudgeSplit(
    name="sealed",
    seed=83,
    voices=(
    "af_kore+bm_fable/zf_xiaoxiao", "am_onyx+bm_fable/zm_yunxi", "am_onyx+jf_tebukuro/zm_yunjian",
    "af_kore+jf_tebukuro/zf_xiaobei", "af_kore+am_onyx/zm_yunxi",
),
    places=(
    "17栋", "后巷", "13号楼架空层", "快递柜旁边", "2栋4单元", "西门", "三楼洗手间", "负三层车库", "凉亭旁边", "6号门",
    "卸货区", "儿童游乐区", "C座大堂", "20号楼3单元",
),
    heights=("18号楼天台", "14栋楼顶", "九楼阳台", "5号楼楼顶"),
    posts=("指挥中心", "指挥中心", "综合指挥室"),
    strangers=("外滩壹号", "石门茶博园", "四方馆舞蹈学校", "雷公庙派送站"),
    lines=_LINES,
)  # fmt: skip
