"""Training sentences built like calls on the air: who, to whom, what, where, how many, in many call orders.

They lend the head the running sound of radio speech; `texts.py` lends it every syllable. Names are made of
syllables drawn at random, of characters that places are named with, and of the kinds of places there are, so
that none is a unit's by more than chance. None of these sentences stands in `tools/sentences.py`. A text is a
pure function of its index.
"""

import random
import re

from tools.phonehead.texts import Texts

# ruff: noqa: E501, SIM905 - word lists read best as they are

_CALLS = (
    "{c}，我是{n}，{i}",
    "{c}{c}，我是{n}，{w}{i}",
    "{c}，这里是{n}最小应急单元，{i}，{a}",
    "{c}，{n}，{w}{i}，{a}",
    "{n}呼叫{c}，{h}",
    "{n}呼叫{c}，{w}{i}，{a}",
    "呼叫{c}，呼叫{c}，这里是{n}",
    "{c}，{n}向您报告，{i}",
    "{c}，{n}请求支援，{i}",
    "{n}，{n}，{c}呼叫，{h}",
    "{n}，我是{c}，{o}",
    "{n}，{h}",
    "请{n}{o}",
    "{n}收到，{g}",
    "{n}明白，{g}，完毕",
    "收到，{n}{g}",
    "{n}，{q}人在岗，{z}",
    "{n}今日{q}人上岗，{z}",
    "{n}最小应急单元{q}人已打卡，{z}",
    "{c}，{n}应到{q}人，实到{q}人，{z}",
    "我是{n}，{q}名队员在位，{z}，完毕",
    "{n}报到，{q}人，装备{z}",
    "{n}，已到{l}，{q}人，请指示",
    "{c}，{n}{q}人到达{l}，{g}",
    "{k}，{k}，我是{k}，{h}",
    "{k}呼叫{k}，{h}",
    "{c}，{k}报告，{w}{i}",
    "{k}收到，{g}",
    "{n}，呼号{k}，{q}人在岗",
    "{c}，{n}更正，刚才说的{x}",
    "{c}，{n}报告，{x}",
    "{c}，我是{n}，{w}{i}，嫌疑人{t}，{a}",
    "{n}发现一辆车，车牌{b}，{w}停着，请核实",
    "{w}{i}，有{q}个人受伤，{a}，联系电话{d}",
    "{n}报告{c}，{i}，{a}，完毕",
    "{e}，{c}，{n}，模拟{w}{i}，{a}",
    "各单元注意，{e}，{o}",
    "{c}，{n}听不清，请再说一遍",
    "喂喂，{c}，我是{n}啊，{w}{i}",
    "{n}这里，{i}，{i}，{a}",
    "{c}，从{n}到{m}路上，{i}",
    "{n}，去{m}支援，{i}",
    "{c}，{n}跟{m}一起过去，{q}个人",
    "{n}的{s}队长在不在，{h}",
)
_POSTS = "指挥中心 指挥中心 指挥中心 指挥室 总台 中心 综合指挥室 应急指挥中心 值班室 指挥部 派出所 总值班室".split()
_HAILS = (
    "听到请回答 收到请回答 听到请讲 收到请讲 请回话 请讲 听到没有 能听到吗 有没有收到 请应答 听到回话 在不在 "
    "收到回复 请回答 听到请回复".split()
)
_HAPPENS = (
    "有人打起来了 几个人动手打架 有人拿着刀 一个男的持刀砍人 楼上着火了 起火了有明火 冒黑烟 电动车起火 电瓶车自燃 车子烧起来了 "
    "有人要跳楼 一个女的坐在天台边上 情绪很激动 有人想不开 电梯卡住了 电梯里困了人 煤气味很重 燃气泄漏 水管爆了 停电了 "
    "有人晕倒了 老人摔倒了 没有呼吸了 心跳没了 昏迷不醒 流了很多血 头被打破了 小孩走丢了 孩子找不到了 老人走失 "
    "东西被偷了 手机被抢 有小偷 有人翻墙 陌生人硬闯 形迹可疑 可疑的包 没人要的箱子 追尾了 两台车撞了 撞到人了 堵车了 "
    "喝醉了闹事 吵起来了 讨薪 拉横幅 围堵大门 很多人聚集 树倒了压到车 墙塌了 山体滑坡 有人触电 电线掉下来 食物中毒 "
    "拉肚子呕吐 有人掉水里 溺水了 被狗咬了 有蛇 马蜂窝 高空抛物 玻璃掉下来 踩踏 人太多了 爆炸了 煤气罐 有人劫持 扣了人质 "
    "被骗了钱 正在转账 欺负同学 打砸店铺 无人机 噪音太大 施工扰民 精神病人打人 有紧急情况汇报 出事了 有突发情况 要生了 "
    "手被卡住了 门打不开 困在里面 烫伤了 骨折了 癫痫发作 抽搐 中暑 喝农药 割腕 坠楼了".split()
)
_ASKS = (
    "请派警力支援 请求支援 请叫救护车 需要120 请通知消防 请消防过来 需要公安支援 请派出所来人 请交警处理 请特警到场 "
    "请联系供电局 请燃气公司抢修 请自来水公司过来 请叫电梯维保 请街道派人 请物业到场 请城管处理 请医生过来 需要急救 "
    "需要消防、公安、120急救支援 请马上来人 请增援 请求警察支援 请民警过来处理 请通知家属".split()
)
_GOES = (
    "马上到 正在前往 立即出发 已经出发 马上安排 三分钟到 两分钟就到 已派人过去 正在赶过去 正在处置 正在查看 准备出发 "
    "人员已集结 集结完毕 现在过去看看 一会儿回复 继续观察 保持联系".split()
)
_ORDERS = (
    "请讲 请报告现场情况 请报告在岗人数 请立即前往支援 马上到门口集合 请汇报位置 请注意现场安全 请派两个人过去 请重复 "
    "报告你的位置 现在开始点名 请各单元依次回答 请带上装备 维持好秩序 疏散群众 保护好现场 请随时报告 注意自身安全".split()
)
_STATES = "一切正常 情况正常 装备齐全 无异常 没有异常 装备完好 正常 没有情况 平安无事 在位在岗".split()
_ENDS = (
    "是误报 取消 没事了 已经处理好了 火灭了 人找到了 已经解决 误会一场 烟感误报 已经控制住了 人救出来了 已送医院 "
    "解除警报 电来了 水修好了 已移交派出所 散了 双方和解了".split()
)
_DRILLS = "这是演练 以下是演习 演练演练 拉动测试 现在进行演练 演习开始 这不是演练".split()
_PEOPLE = "男 女 一米七左右 穿黑色衣服 戴帽子 短头发 穿红色外套 背一个包 三十多岁 骑电动车 往东跑了 往南门跑了 戴口罩 光头".split()
_PROVINCES = "粤京沪津渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵青藏川宁琼"
_PLACE_CHARACTERS = (
    "华金银玉龙凤天海江河湖山林园东西南北中新富贵安康福星月阳光明德和平泰兴隆盛达通嘉永祥瑞丰宝翠碧锦绣云雅景苑兰竹梅荷桂柏松"
    "石沙塘洲村岗岭坑涌田围桥滨港湾城都汇广信诚恒百万千佳美家乐怡康宁春秋学文武英才育红绿青白黄紫三五七八长大小上下"
)
_KINDS = tuple(
    "小区 花园 苑 花苑 雅苑 华庭 豪庭 新城 新村 公寓 公馆 山庄 家园 府 湾 里 社区 居委会 村 村委会 城中村 大院 宿舍 "
    "小学 中学 幼儿园 实验小学 外国语学校 职业学校 学院 大学 第一小学 第二中学 附属小学 培训中心 书院 "
    "医院 卫生院 卫生服务中心 门诊部 口腔医院 妇幼保健院 人民医院 中医院 诊所 药房 "
    "大厦 中心 国际 广场 商务中心 写字楼 创意园 科技园 产业园 软件园 工业园 工业区 物流园 仓库 厂 公司 印刷厂 "
    "酒店 宾馆 饭店 酒楼 酒家 大酒店 招待所 银行 支行 邮局 营业厅 加油站 停车场 客运站 地铁站 公交站 码头 高铁站 "
    "市场 农贸市场 肉菜市场 综合市场 批发市场 菜市场 超市 商场 商城 购物中心 百货 建材城 服装城 电脑城 茶叶城 花鸟市场 "
    "公园 体育馆 体育中心 图书馆 博物馆 文化宫 电影院 剧院 步行街 美食街 酒吧街 网吧 歌舞厅 健身房 寺 教堂 派出所 "
    "物业 保安队 岗亭 门岗 收费站 养老院 福利院 政务中心 法院".split()
)
_ENDINGS = (
    *"A区 B区 C区 D区 E区 东区 西区 南区 北区 一期 二期 三期 四期 A座 B座 C座 D座 东门 西门 南门 北门 一区 二区 三区 五区".split(),
    *"1号 2号 3号 1栋 5栋 8栋 12栋 1号门 2号门 6号楼 东侧 分部 总部 校区 东校区 北校区 南院 二分店 旗舰店 地下车库".split(),
)
_ROADS = tuple("路 大道 街 东路 西路 南路 北路 中路 一路 二路 横路 巷 大街 路口".split())


class CallTexts:
    """The endless, seeded list of calls."""

    def __init__(self, seed: int = 0) -> None:
        self._seed = seed
        self._words = Texts(seed)

    def __getitem__(self, index: int) -> str:
        rng = random.Random(f"call/{self._seed}/{index}")
        names: dict[str, str] = {}

        def fill(slot: re.Match[str]) -> str:
            kind = slot.group(1)
            if kind in "nmc":
                return names.setdefault(kind, rng.choice(_POSTS) if kind == "c" else self.name(rng))
            return self._fill(kind, rng)

        return re.sub(r"\{(.)\}", fill, rng.choice(_CALLS))

    def name(self, rng: random.Random) -> str:
        """A place as people name it: a stem, mostly its kind, at times a road, a district or a number."""
        roll = rng.random()
        count = rng.choice((1, 2, 2, 2, 2, 3, 3, 4))
        if roll < 0.55:
            stem = "".join(rng.choice(_PLACE_CHARACTERS) for _ in range(max(2, count)))
        else:
            stem = self._words.nonsense(rng, max(2, count))
        if rng.random() < 0.12:
            stem += rng.choice(_ROADS)
        if rng.random() < 0.88:
            stem += rng.choice(_KINDS)
        if rng.random() < 0.25:
            stem += rng.choice(_ENDINGS)
        return stem

    def _fill(self, slot: str, rng: random.Random) -> str:  # noqa: PLR0911 - one return for each slot
        lists = {"h": _HAILS, "o": _ORDERS, "g": _GOES, "z": _STATES, "x": _ENDS, "e": _DRILLS, "t": _PEOPLE}
        if slot in lists:
            return rng.choice(lists[slot])
        if slot == "i":
            return rng.choice(_HAPPENS) if rng.random() < 0.5 else f"有人{self._words.phrase(rng)}"
        if slot == "a":
            return rng.choice(_ASKS)
        if slot in "wl":
            return self._place(rng)
        if slot == "q":
            return rng.choice((*map(str, range(1, 21)), *"两 两 三 五".split()))
        if slot == "k":
            return self._callsign(rng)
        if slot == "b":
            tail = "".join(rng.choice("ABCDEFGHJKLMNPQRSTUVWXYZ洞幺两三四五六拐八勾") for _ in range(5))
            return f"{rng.choice(_PROVINCES)}{rng.choice('ABCDEFGH')}{tail}"
        if slot == "d":
            digits = rng.choice(("洞幺两三四五六拐八勾", "零幺二三四五六七八九"))
            return "".join(rng.choice(digits) for _ in range(rng.randint(3, 11)))
        return rng.choice("王李张刘陈杨黄赵吴周徐孙马朱胡林郭何高罗郑梁谢宋唐许邓冯韩曹")

    def _callsign(self, rng: random.Random) -> str:
        digits = "洞幺两三四五六拐八勾" if rng.random() < 0.75 else "零一二三四五六七八九"
        callsign = "".join(rng.choice(digits) for _ in range(rng.choice((2, 2, 2, 3, 3, 4))))
        return callsign + rng.choice(("", "", "", "", "号", "岗", "单元"))

    def _place(self, rng: random.Random) -> str:
        return rng.choice(
            (
                f"{rng.randint(1, 30)}号楼", f"{rng.randint(1, 20)}栋{rng.randint(1, 30)}楼", f"{rng.randint(1, 12)}号门",
                f"{rng.randint(1, 18)}栋{rng.randint(1, 6)}单元", f"{rng.choice('ABCDEFG')}座{rng.randint(1, 33)}层",
                f"{rng.choice('ABCDEF')}栋大堂", f"{rng.randint(2, 9)}楼{rng.choice(('走廊', '电梯口', '楼梯间', '平台', '厕所'))}",
                rng.choice("东门 南门 北门外 大门口 停车场 地下车库 负二层 天台 楼顶 食堂 操场 宿舍 教学楼 门诊楼 急诊科 收费处 大厅 后巷 河边 天桥上 十字路口 公交站 地铁口 出口 充电桩 配电室 游泳池 广场中间 保安室".split()),
            )
        )  # fmt: skip
