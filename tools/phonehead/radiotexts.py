"""More training sentences built like calls: other call orders, other names, many ways to say what happens.

Like `calltexts.py`, which this goes beyond: names in every style that places are registered under (districts of
a town, estates, shops, schools, wards, companies, numbers, letters), calls of one or several sentences, and
incidents put together from parts (who, what, where, how bad) and not taken from a list. No sentence, name or list
of a corpus was used. A text is a pure function of its index.
"""

import random
import re

from tools.phonehead.calltexts import CallTexts
from tools.phonehead.texts import Texts

# ruff: noqa: E501, SIM905 - word lists read best as they are

_TOWNS = "东风 城南 和兴 北岭 青石 临江 三江 新港 龙门 白鹤 永定 西郊 平安 古城 南湖 万寿 莲塘 双桥 高桥 丰泽 望江 松山 清溪 河东 上塘 大坪 金沙 老街 沙湾 长安".split()
_STEMS = (
    "华润 万科 保利 绿地 恒大 碧桂 中海 金茂 世茂 龙湖 天虹 大润发 永辉 华联 家乐福 物美 沃尔玛 宜家 苏宁 国美 同仁 邮政 建设 工商 农业 "
    "招商 交通 民生 光大 移动 联通 电信 顺丰 京东 海底捞 全聚德 如家 汉庭 锦江 维也纳 七天 格林 桔子 希尔顿 喜来登 儿童 妇女 青少年 "
    "第一 第二 第三 实验 中心 育英 启明 培正 明珠 阳光 春晖 红旗 星光 未来 向阳 育才 新世纪 新时代 向日葵 小太阳 蓝天 彩虹 金苹果 智慧 "
    "水岸 江南 翡翠 御景 观澜 山水 云顶 东方 帝豪 名都 丽都 凯旋 半岛 枫林 香榭 滨河 湖畔 四季 罗马 巴黎 剑桥 书香 书苑 学府 逸景 盛世"
).split()
_CHAINS = (
    "超市 便利店 药店 大药房 奶茶店 火锅店 烧烤店 面馆 早餐店 快餐店 面包店 蛋糕店 水果店 花店 五金店 文具店 玩具店 眼镜店 理发店 美容院 洗车行 "
    "汽修厂 汽贸店 彩票店 宠物店 母婴店 茶楼 咖啡馆 书吧 棋牌室 台球厅 唱歌房 洗浴中心 足浴城 服装店 鞋店 手机店 快递站 驿站 干洗店 珠宝行 "
    "家具城 灯具城 汽车城 水产市场 粮油店 烟酒店 杂货铺 小卖部 旅行社 照相馆 典当行 金店 网咖 影城 游乐场 溜冰场 武术馆 琴行 画室 托管班 早教中心"
).split()
_BODIES = (
    "有限公司 股份公司 集团 科技公司 贸易公司 物流公司 电子厂 制衣厂 食品厂 家具厂 塑料厂 机械厂 印染厂 化工厂 纸箱厂 玩具厂 五金厂 车间 "
    "街道办 街道办事处 党群服务中心 社区服务站 警务室 治安岗 居民委员会 综治中心 司法所 税务局 工商所 供电所 自来水厂 污水处理厂 变电站 "
    "燃气站 粮站 消防站 微型消防站 救助站 敬老院 少年宫 老年大学 图书城 会展中心 体育场 游泳馆 篮球馆 足球场 纪念馆 美术馆 音乐厅 动物园 植物园 "
    "湿地公园 森林公园 儿童公园 人民公园 河滨公园 文化广场 时代广场 步行街 水库 大桥 隧道 立交桥 火车站 汽车站 机场 轮渡 停车楼 高速路口 服务区"
).split()
_WARDS = "门诊 急诊 住院部 外科楼 内科楼 儿科 产科 妇产医院 儿童医院 口腔科 骨科医院 眼科医院 康复医院 肿瘤医院 精神病院 传染病医院 体检中心 血站 疾控中心 卫生站 社康中心".split()
_SCHOOLS = (
    "幼儿园 中心幼儿园 小学 中心小学 附小 附中 初级中学 高级中学 一中 二中 三中 五中 六中 十二中 中专 技校 职高 技工学校 师范学院 医学院 理工大学 "
    "体育学校 艺术学校 双语学校 民办学校 特殊学校 教学点 补习班 驾校".split()
)
_ESTATES = (
    "小区 花园 家园 新村 公寓 大院 宿舍楼 家属院 名苑 名城 名邸 华府 华苑 嘉园 锦园 佳苑 雅居 豪园 美墅 别墅 山庄 城 广场 天地 国际 中央公园 "
    "首府 首座 一号 壹号院 时代 世家 御府 学府 里 坊 胡同 弄 巷 围 寨 屯 庄 社 组 经济社 经联社 安置房 廉租房 人才公寓 青年公寓 老年公寓".split()
)
_PARTS = (
    "A区 B区 C区 D区 E区 F区 A座 B座 C座 D座 E座 A栋 B栋 F栋 一期 二期 三期 四期 五期 一区 二区 三区 四区 六区 七区 八区 东区 西区 南区 北区 中区 "
    "东苑 西苑 南苑 北苑 东园 西园 上村 下村 前街 后街 新区 老区 总店 分店 一店 二店 三店 1店 2店 3店 6号 7号 9号 11号 15号 18号 20号 26号 "
    "2栋 3栋 4栋 6栋 7栋 9栋 10栋 11栋 15栋 16栋 1座 2座 3座 1号院 2号院 3号院 甲区 乙区 丙区 一队 二队 三队 一组 二组 四组 八组 一厂 二厂 三厂 "
    "东门岗 西门岗 北门岗 南门岗 1号岗 2号岗 3号岗 正门 侧门 后门".split()
)
_POSTS = "指挥中心 指挥中心 指挥中心 指挥中心 中心 总台 指挥台 调度 调度台 指挥长 值班台 所里 派出所指挥室 应急办 平台 基地 洞洞幺 零零一".split()
_OPENINGS = (
    "{c}，{n}", "{n}", "{n}，{n}", "我是{n}", "这里是{n}", "{c}，{c}，我是{n}", "{c}，这边是{n}", "{n}叫{c}", "{n}呼{c}", "{n}呼叫{c}", "{n}对{c}讲", "{n}报告", "报告{c}，{n}",
    "报告，我是{n}", "{c}你好，我是{n}", "喂，{c}吗，{n}", "{c}，{n}的小{s}", "{c}，{n}{s}队", "我{n}的", "{n}最小应急单元", "{n}最小应急单元呼叫{c}", "我们是{n}最小应急单元", "{c}，{k}",
    "{k}呼叫{c}", "{k}，{n}", "我是{k}，{n}的", "{c}收到请回答，我是{n}", "{n}值班员{s}师傅", "{c}，我这里是{n}", "这里{n}", "{n}保安队", "{n}门卫", "{c}，{n}有情况", "{c}，{n}紧急呼叫", "{n}回{c}的话",
)  # fmt: skip
_BODIES_OF_CALLS = (
    "{y}", "{y}，{a}", "{w}{y}", "{w}{y}，{a}", "{w}，{y}，{j}", "{y}，{j}，{a}", "{y}，{t}", "{y}，在{w}，{j}", "{f}{y}，{a}", "{a}，{y}", "{y}，{u}，{a}", "我们这{y}，{u}", "刚刚{y}，{u}", "{w}那边{y}",
    "{q}人在岗，{z}", "在岗{q}人，{z}", "应到{q}人实到{q}人", "{q}个人，{z}", "今天{q}个人在，{z}", "有{q}人在位", "到岗{q}人，请假{q}人", "一共{q}人，{z}，完毕", "{z}", "{z}，完毕", "人员{q}名，{z}",
    "{g}", "{g}，{q}人", "收到，{g}", "明白，{g}", "已到达{w}，{g}", "{q}人已到{w}", "我们{q}个人{g}", "{q}名队员{g}，预计{q}分钟", "{x}", "{x}，可以撤了吗", "更正，{x}", "{h}", "{h}，{h}", "{v}", "{v}，{h}",
    "嫌疑人{t}，{u}", "车牌{b}，{u}", "电话{d}", "请转告{m}，{o}", "{m}的人{g}", "{m}需要支援，{o}", "信号不好，{h}", "测试，{h}", "{e}，{y}，{a}", "{e}，{o}", "{o}",
)  # fmt: skip
_WHOLE = (
    "{n}听到请回答", "{n}{n}，听到请讲", "呼叫{n}，呼叫{n}", "{c}呼叫{n}，{o}", "{n}，{c}，{o}", "{n}、{m}，{o}", "请{n}和{m}{o}", "{n}收到", "{n}收到，完毕", "{n}明白", "{n}到", "{n}在", "{n}在岗", "{n}报到",
    "收到，{n}", "{n}已收到，{g}", "点名，{n}，{m}", "下一个{n}", "{n}没有回答，{m}先报", "{n}请报人数", "{n}，{q}人", "{n}{q}人，完毕", "{n}讲，{n}讲", "{n}，请讲", "{n}，你讲", "{m}呼叫{n}，{h}", "{m}，{m}，我是{n}，{h}",
    "从{n}往{m}方向，{y}", "{n}对面{y}，{a}", "{n}旁边的{m}{y}", "位置在{n}{w}，{y}", "在{n}和{m}中间，{y}", "{k}，{k}，{o}", "{k}收到", "{k}到位", "{k}，{q}人在岗", "{k}请求支援，{w}{y}", "{n}替{m}回答，{q}人",
    "{r}，{r}{n}，{r}", "{n}，{r}，{m}", "{r}{r}，{y}", "{n}，{m}，{n}",
)  # fmt: skip
_WHO = (
    "有人 有个人 一个男的 一名男子 一名女子 一个女的 一个老人 一位老太太 一位大爷 一个小孩 两个小孩 几个年轻人 一伙人 两伙人 三个人 一群人 很多人 "
    "一名学生 一个学生 几个学生 一名工人 两名工人 一个住户 住户 业主 业主和物业 一名顾客 店员 司机 一个司机 骑手 外卖员 一名保安 我们队员 一名老师 病人家属 "
    "一名患者 一个醉汉 一个陌生人 一名孕妇 一个游客 路人 对方 房东 租客".split()
)
_DOES = (
    "打架 在打架 动手了 打起来了 吵架 在吵架 互相推搡 拿着刀 拿了把刀 拿刀追人 持棍打人 拿砖头砸人 砍伤了人 捅了人 要跳楼 站在楼顶 爬上了天台 坐在窗户外面 想不开 要自杀 割腕了 喝了农药 "
    "晕倒了 昏过去了 倒在地上 突然倒地 没有反应 没有呼吸 心脏病发作 抽筋了 口吐白沫 摔下来了 从楼上掉下来 摔断了腿 头破了 流血不止 被车撞了 被烫伤了 被电到了 被砸伤了 被狗咬了 被蛇咬了 "
    "被困电梯 关在里面出不来 掉到河里 落水了 掉进井里 走丢了 走失了 找不到了 迷路了 偷东西 偷电动车 撬门 翻墙进来 抢手机 抢了包 抢劫 砸玻璃 砸店 打砸 放火 点火 泼汽油 "
    "闹事 喝醉了闹事 酒后打人 躺在路上 拦车 堵门 拉横幅 讨工资 聚集 聚众闹事 赌博 吸毒 贩毒 卖假货 骚扰女生 跟踪学生 偷拍 强行进校 硬闯 要冲进来 不让走 扣住人不放 "
    "劫持了人 挟持了小孩 绑架 被骗了 被骗转账 正在转钱 乱扔东西 往下扔瓶子 形迹可疑 鬼鬼祟祟 在门口徘徊 放了个包就走 发疯了 精神失常 咬人 中毒了 呕吐腹泻 呼吸困难 快生了 中暑了".split()
)
_THINGS = (
    "着火了 起火了 冒烟 在冒烟 冒浓烟 有明火 烧起来了 电动车着火 电瓶爆炸 汽车自燃 垃圾桶着火 厨房起火 配电箱起火 线路打火 空调外机着火 仓库着火 爆炸了 听到爆炸声 煤气罐漏气 闻到煤气味 "
    "燃气泄漏 天然气泄漏 化学品泄漏 氨气泄漏 油罐漏油 水管爆裂 水管漏水 停水了 停电了 大面积停电 电线断了 电线杆倒了 变压器坏了 电梯坏了 电梯困人 电梯停在五楼 路面塌陷 围墙倒塌 脚手架塌了 房子塌了 "
    "广告牌掉下来 外墙脱落 玻璃碎了 树倒了 大树压车 积水很深 进水了 内涝 山体滑坡 泥石流 河水上涨 车祸 两车相撞 三车追尾 撞了护栏 货车侧翻 公交车撞人 摩托车撞人 堵车 交通堵死了 "
    "发生踩踏 太拥挤 发现可疑包裹 发现可疑物品 发现爆炸物 发现炸弹 有蛇 有马蜂 有野狗 无人机乱飞 噪音扰民 施工太吵 油烟太大 井盖没了 违停占道 堵住消防通道 门锁坏了 警报响了 烟感报警 监控坏了".split()
)
_BADNESS = (
    "{q}人受伤 有人受伤 没有人受伤 {q}人轻伤 一人重伤 {q}人被困 暂时没有伤亡 伤者清醒 意识模糊 情绪激动 情况紧急 情况危急 火势很大 火势不大 已经控制住 控制不住 还在打 人已经跑了 往东跑了 往北面跑了 开车跑了 "
    "现场很乱 围了很多人 有人围观 血很多 烟很大 越来越大 快要烧到了 已经报警 已经在疏散 正在救 联系不上 人还在 还没走 门反锁了 水快没膝盖了 里面还有人 楼上有人 有老人小孩 有{q}个小孩".split()
)
_JOBS = (
    "请派人 请马上派人 请派警察 请派民警 派两个人过来 请求增援 请求支援 需要支援 要支援 快来人 快派人来 请快一点 尽快过来 请叫救护车 帮忙叫救护车 请打幺二洞 打120 打119 要消防 请消防来 叫消防车 请派消防车 "
    "需要急救 请医生来 请派医护 请120急救 请交警来 需要交警 叫拖车 请公安处理 请公安、消防、120支援 请特警支援 请供电局来修 请供水抢修 请燃气抢修 叫物业来 请电梯公司 请城管来 请市政处理 请社区来人 请街道处理 "
    "请通知领导 请指示 请核实 请查一下 请调监控 请封锁路口 请疏导交通 请协助 请协助寻找 请周边单元支援 请附近的过来".split()
)
_GOES = (
    "马上到 马上过去 马上出发 这就去 立刻出发 立即前往 正在路上 在路上了 快到了 已经到了 已到现场 已到达现场 到位了 集合完毕 集结完毕 准备完毕 准备好了 正在处理 正在处置 处理中 正在疏散 正在灭火 正在找 "
    "人员出发 三分钟内到 五分钟到 一分钟到 两分钟 派人去了 派了人 安排人去看 去看看 前去查看 我们去支援 原地待命 等候指示 收队了 撤回来了 返回了 在门口等 守住门口 带了灭火器 带齐装备 拿盾牌过去 穿好装备".split()
)
_STATES = "一切正常 正常 情况正常 无异常 没有异常 平安 安全 装备齐全 装备完好 装备正常 装备到位 器材齐全 全部在位 全员在岗 在岗在位 人员到齐 已打卡 设备良好 通讯正常 没有情况 没事 秩序良好 未发现异常 巡逻正常 都在".split()
_ENDS = (
    "误报 是误报 虚惊一场 没事了 已经没事 取消 取消报警 不用来了 不需要支援了 处理完了 处理完毕 已处置完毕 火已扑灭 火灭了 烟散了 人已救出 人找到了 小孩找到了 老人找到了 已送医 送医院了 救护车到了 警察来了 人带走了 "
    "已经带回派出所 散开了 人群散了 和好了 调解好了 修好了 恢复供电 恢复正常 来水了 通车了 电梯修好了 人出来了 是演习 搞错了 看错了 地址报错了 不是打架是开玩笑 是做饭的烟 抓到了 嫌疑人控制了 解除".split()
)
_HAILS = (
    "听到请回答 收到请回答 请回答 请讲 请回话 听到没有 收到没有 能听到吗 听得到吗 听见请讲 有没有听到 请回复 在吗 在不在 请应答 收到请回复 完毕 通话完毕 听不清 请重复 再说一遍 没听清请重复 讲 喂喂 "
    "信号怎么样 声音清楚吗 听到回一下 稍等 等一下 请稍候".split()
)
_WORDS = (
    "收到 收到收到 明白 明白了 好的 好的收到 知道了 是 到 在 请讲 请说 完毕 谢谢 辛苦了 清楚 很清楚 听清了 重复一遍 继续 可以 不行 没有 有 对 不对 稍等 马上 报告 报告完毕 早上好 晚上好 交接班 换岗了 巡逻到这里 "
    "开始巡逻 上岗了 下岗了 换电池 对讲机没电了 换频道 调到二频道".split()
)
_ORDERS = (
    "请讲 请报告情况 报告位置 报告人数 请报人数 立即支援 马上支援 请前往支援 请派人过去 派两人过去 去现场看看 请核实 马上核查 到东门集合 原地待命 注意安全 保护现场 疏散人员 封控出入口 看住嫌疑人 不要靠近 先救人 "
    "切断电源 打开消防通道 把人隔开 安抚情绪 等民警到 配合民警 随时报告 保持通话 请回答 马上回话 现在点名 开始点名 请依次报告 请打卡 带上盾牌钢叉 带灭火器 关好大门 集结 收队 回来吧 再报一次 别急慢慢说".split()
)
_DRILLS = "演练 这是演练 现在演练 演练开始 演练结束 演习 这次是演习 模拟演练 实战演练 拉动 紧急拉动 拉动演练 应急演练 消防演练 防暴演练 不是演练 这是真的 真实警情".split()
_LOOKS = (
    "男的 女的 男性 女性 中年男子 年轻男子 老年人 大概三十岁 四十岁左右 二十来岁 一米八 一米六左右 偏胖 很瘦 高个子 光头 长头发 短发 戴眼镜 戴黑口罩 戴帽子 黑衣服 白色上衣 蓝色外套 灰色裤子 红色短袖 穿拖鞋 "
    "背黑色包 骑摩托车 骑电动车 开白色面包车 坐出租车走的 往南跑 往地铁站方向 往桥上去了 外地口音 喝了酒 手上有纹身".split()
)
_FIRST = "刚才 现在 今天早上 昨天晚上 十分钟前 半小时前 好像 突然 紧急情况， 突发情况， 有警情， 快快快， 不好了， 接到居民反映， 接群众报警， 巡逻发现 监控看到".split()
_AREAS = (
    "门口 大门口 东门 西门 南门 北门 正门 后门 侧门 门岗 岗亭 保安亭 大堂 大厅 前台 一楼 二楼 三楼 五楼 顶楼 楼顶 天台 楼道 楼梯 走廊 电梯 电梯口 电梯里 地下室 车库 停车场 地下停车场 自行车棚 充电桩 操场 篮球场 教室 "
    "宿舍 食堂 图书馆 实验室 校门口 急诊 病房 手术室 药房 收费窗口 候诊区 收银台 仓库 厨房 洗手间 女厕所 男厕所 配电房 水泵房 垃圾站 花坛 小广场 中庭 游乐区 泳池 河边 桥底 桥上 路口 红绿灯 人行道 马路边 公交站台 "
    "地铁出口 隧道口 工地 围墙边 天桥 巷子里 菜摊 三号摊位 柜员机 包间 客房 会议室 办公室 机房 锅炉房 消防通道 安全出口".split()
)
_PROVINCES = "粤京沪津渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵青藏川宁琼"
_SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡林郭何高罗郑梁谢宋唐许邓冯韩曹曾彭萧蔡潘田董袁于余叶蒋杜苏魏程吕丁沈任姚卢傅钟姜崔谭廖范汪陆金石戴贾韦夏邱方侯邹熊孟秦白江阎薛"


class RadioTexts:
    """The endless, seeded list of such calls."""

    def __init__(self, seed: int = 0) -> None:
        self._seed = seed
        self._words = Texts(seed)
        self._calls = CallTexts(seed)

    def __getitem__(self, index: int) -> str:
        rng = random.Random(f"radio/{self._seed}/{index}")
        roll = rng.random()
        if roll < 0.62:
            frame = f"{rng.choice(_OPENINGS)}，{rng.choice(_BODIES_OF_CALLS)}"
            if rng.random() < 0.15:
                frame += f"，{rng.choice(_BODIES_OF_CALLS)}"
        elif roll < 0.68:
            frame = f"{rng.choice(_BODIES_OF_CALLS)}，{rng.choice(_OPENINGS)}"
        else:
            frame = rng.choice(_WHOLE)
        names: dict[str, str] = {}

        def fill(slot: re.Match[str]) -> str:
            kind = slot.group(1)
            if kind in "nmck":
                return names.setdefault(kind, self._party(kind, rng))
            return self._fill(kind, rng)

        for _ in range(2):
            frame = re.sub(r"\{(.)\}", fill, frame)
        return frame

    def _party(self, kind: str, rng: random.Random) -> str:
        if kind == "c":
            return rng.choice(_POSTS)
        return self.callsign(rng) if kind == "k" else self.name(rng)

    def name(self, rng: random.Random) -> str:
        """A unit as stations register them."""
        roll = rng.random()
        if roll < 0.35:
            return self._calls.name(rng)
        stem = self._stem(rng)
        kind = rng.choice(rng.choice((_CHAINS, _BODIES, _WARDS, _SCHOOLS, _ESTATES, _ESTATES, _SCHOOLS)))
        if roll < 0.45:
            return f"{rng.choice(_TOWNS)}{stem}{kind}"
        if roll < 0.52:
            return f"{rng.choice(_TOWNS)}{rng.choice(('派出所', '社区', '街道', '片区', '大队', '中队'))}"
        if roll < 0.60:
            return f"{stem}{rng.choice(_PARTS)}"
        if roll < 0.78:
            return f"{stem}{kind}{rng.choice(_PARTS)}"
        return f"{stem}{kind}" if roll < 0.97 else stem

    def _stem(self, rng: random.Random) -> str:
        roll = rng.random()
        if roll < 0.3:
            return rng.choice(_STEMS)
        if roll < 0.38:
            return f"{rng.choice(_STEMS)}{self._words.nonsense(rng, 1)}"
        return self._words.nonsense(rng, rng.choice((2, 2, 2, 2, 3, 3)))

    def callsign(self, rng: random.Random) -> str:
        """Digits as radio people read them, at times as others do, or with a word before or behind."""
        digits = "洞幺两三四五六拐八勾" if rng.random() < 0.7 else "零一二三四五六七八九"
        number = "".join(rng.choice(digits) for _ in range(rng.choice((1, 2, 2, 2, 3, 3, 4))))
        if rng.random() < 0.15:
            number = str(rng.randint(1, 200))
        before = rng.choice(("", "", "", "", "", "", "呼号", "巡逻", "岗位", "猎鹰", "长江", "黄山", "泰山"))
        return before + number + rng.choice(("", "", "", "", "号", "岗", "单元", "号岗", "组", "队"))

    def _fill(self, slot: str, rng: random.Random) -> str:  # noqa: PLR0911 - one return for each slot
        lists = {
            "a": _JOBS, "g": _GOES, "z": _STATES, "x": _ENDS, "h": _HAILS, "v": _WORDS, "o": _ORDERS, "e": _DRILLS,
            "t": _LOOKS, "u": _BADNESS, "f": _FIRST, "s": _SURNAMES,
        }  # fmt: skip
        if slot in lists:
            return rng.choice(lists[slot])
        if slot == "y":
            roll = rng.random()
            if roll < 0.45:
                return f"{rng.choice(_WHO)}{rng.choice(_DOES)}"
            return rng.choice(_THINGS) if roll < 0.75 else self._words.phrase(rng)
        if slot == "w":
            return self._place(rng)
        if slot == "q":
            return rng.choice((*map(str, range(1, 31)), *"两 两 三 五 两 七".split()))
        if slot == "r":
            return self._words.nonsense(rng, rng.randint(2, 5))
        if slot == "j":
            return (
                f"{rng.choice(_BADNESS)}，{rng.choice(_LOOKS)}"
                if rng.random() < 0.3
                else rng.choice(_BADNESS)
            )
        if slot == "b":
            letters = rng.choice(
                (
                    "ABCDEFGHJKLMNPQRSTUVWXYZ洞幺两三四五六拐八勾",
                    "洞幺两三四五六拐八勾",
                    "零一二三四五六七八九",
                )
            )
            return f"{rng.choice(_PROVINCES)}{rng.choice('ABCDEFGHJK')}{''.join(rng.choice(letters) for _ in range(5))}"
        digits = rng.choice(("洞幺两三四五六拐八勾", "零幺二三四五六七八九"))
        return "".join(rng.choice(digits) for _ in range(rng.randint(3, 11)))

    def _place(self, rng: random.Random) -> str:
        number = rng.randint(1, 40)
        return rng.choice(
            (
                rng.choice(_AREAS), rng.choice(_AREAS), rng.choice(_AREAS), f"{number}号楼", f"{number}栋", f"{number}号楼{rng.randint(1, 33)}楼",
                f"{number}栋{rng.randint(1, 33)}层", f"{number}栋{rng.randint(1, 6)}单元", f"{number}号门", f"{rng.randint(2, 33)}楼{rng.choice(_AREAS)}",
                f"{rng.choice('ABCDEFGH')}栋{rng.choice(_AREAS)}", f"{rng.choice('ABCDEFGH')}座{rng.randint(1, 33)}楼", f"{rng.choice('ABCDEFGH')}区{rng.choice(_AREAS)}",
                f"{rng.randint(1, 33)}{rng.choice(('零', '幺', '二'))}{rng.randint(1, 9)}室", f"{number}号{rng.choice(_AREAS)}",
                f"{self._words.nonsense(rng, 2)}{rng.choice('路 街 巷 大道 大街'.split())}{number}号",
            )
        )  # fmt: skip
