"""Talk that is no report opens nothing: a false incident is the worst error."""

from collections.abc import Callable
from typing import Any

import pytest

from gateway.model import Understanding
from gateway.understand.evidence import Evidence
from gateway.understand.secondreading import both
from gateway.understand.understand import Context

SMALL_TALK = [
    "老王中午一起去食堂吃饭吧听说今天有红烧肉",
    "刚才那个快递放在门卫室了你下班的时候记得来拿",
    "今天路上堵车堵得厉害我晚十分钟到",
    "你手机充电器借我用一下我的快没电了",
    "昨晚那场球看了没有最后一分钟太刺激了",
    "哈哈你这个人真会开玩笑笑死我了",
    "我昨天看了个电影里面有人劫持了一架飞机",
    "我女儿考试没考好在家里跟我吵架呢",
    "这天气太热了我都快中暑了给我带瓶水",
    "晚上打牌三缺一你来不来",
    "老婆说家里漏水叫我下班买根水管",
    "那个电视剧里的杀手拿着刀冲进来吓我一跳",
    "听说隔壁小区去年着过火后来都装了烟感",
    "你帮我看一下几点了我表停了",
    "他说他被骗了三百块钱买了个假的充电宝",
    "前面路口有点堵你绕一下吧",
    "明天轮到谁值班你看一下排班表",
    "喂喂试音试音一二三",
    "把对讲机音量调大一点听不清楚",
    "这个小偷演得真好那部戏拿了奖",
    "钥匙找到了在我包里",
    "订单取消了重新下一个吧",
    "水烧开了你过来泡茶",
    "孩子不听话气死我了",
    "火锅店排队的人太多了我们换一家",
]
NEWS = [
    "去年我市共发生火灾三百余起造成直接经济损失一千万元",
    "法院认为被告人持刀抢劫情节严重判处有期徒刑十年",
    "据报道一名男子因与邻居发生纠纷持械伤人被警方刑拘",
    "近日市民反映某小区高空抛物问题突出记者进行了走访",
    "本台消息昨天下午城区一居民楼发生火灾消防部门迅速赶到现场",
    "国务院安委会要求切实防范重特大火灾事故",
    "双方因打架斗殴均被行政拘留并处罚款",
    "交通事故死亡人数同比下降百分之十二",
    "警方提醒市民警惕电信诈骗不要轻信陌生来电",
    "历史上这条河曾多次发生溺水事件",
    "涉嫌盗窃电动车的嫌疑人上周被抓获",
    "那名坠楼学生的老师昨日接受了记者采访",
    "专家介绍一氧化碳中毒多发生在冬季",
    "美国一所学校发生枪击案当地时间三日多人受伤",
    "他在比赛中骨折提前结束了本赛季",
    "公司股价跳楼式下跌投资者损失惨重",
]
ADVERTISING = [
    "本店优惠大酬宾全场五折抢购从速",
    "购买意外保险骨折烫伤摔伤都能赔付",
    "防火门防盗门厂家直销欢迎来电咨询",
    "您的手机被偷了怎么办快来了解我们的定位服务",
    "电梯故障怎么办请牢记以下安全知识",
]
ADVICE = [
    "遇到火灾时应当用湿毛巾捂住口鼻",
    "请大家注意防火防盗下班关好门窗",
    "如果发现有人溺水请立即拨打110",
    "今天的培训内容是如何处理打架斗殴",
    "严禁在楼道给电动车充电防止起火",
    "下午检查消防通道有没有被占用",
    "万一有人晕倒先叫救护车",
]
NOTHING_HAPPENS = [
    "没有发现可疑人员",
    "巡逻完毕,未发现异常",
    "东门一切正常没有打架的",
    "3号楼没有着火",
    "现场没有人员受伤",
    "是不是有人打架",
    "那边有没有着火",
    "你们那有人报警吗",
    "刚才的报警是误报",
    "火已经扑灭了",
    "打架的人已经散了,没事了",
    "不需要支援了",
]
STATION = [
    "收到,请汇报现场情况,并提出支援单位",
    "收到,马上安排,请随时注意现场情况",
    "各单元注意,现在开始点名",
    "请报告在岗人数",
    "请讲",
    "收到请回答",
    "请周边单元注意自身安全",
]


EVERYTHING = [*SMALL_TALK, *NEWS, *ADVERTISING, *ADVICE, *NOTHING_HAPPENS, *STATION]


@pytest.mark.parametrize("text", EVERYTHING)
def test_no_incident_is_reported(text: str, say: Callable[..., Understanding]) -> None:
    assert say(text).incident.polarity != "report"


@pytest.mark.parametrize("text", [*SMALL_TALK, *NEWS, *ADVERTISING])
def test_a_drill_in_progress_makes_talk_no_report(text: str, say: Callable[..., Understanding]) -> None:
    assert say(text, Context(exercise_open=True)).incident.polarity != "report"


@pytest.mark.parametrize("text", [*SMALL_TALK, *NEWS, *ADVERTISING])
def test_talk_beside_an_open_incident_does_nothing_to_it(
    text: str, say: Callable[..., Understanding]
) -> None:
    during = Context(open_incident=True, open_code="FIRE")
    assert say(text, during).incident.polarity == "none"


def test_all_of_it_on_one_radio_opens_nothing(talk: Any) -> None:
    for text in EVERYTHING:
        talk.say(text)
    assert talk.changes == []


@pytest.mark.parametrize("number", ["三", "四", "5"])
def test_hurt_or_fighting_people_are_no_headcount(number: str, say: Callable[..., Understanding]) -> None:
    for text in (f"{number}人受伤", f"{number}个人打架", f"有{number}名男子持刀", f"{number}人被困"):
        assert say(text).headcount.present is None, text


def test_a_room_that_only_the_audio_has_is_worth_no_more_than_any_place() -> None:
    heard = both(Evidence((("terse", 1),), attributed=False), Evidence((("place", 2),), attributed=False))
    read = both(Evidence((("place", 2),), attributed=False), Evidence((), attributed=False))
    assert dict(heard.points)["place"] < dict(read.points)["place"]
