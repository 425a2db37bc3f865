import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model import Resolution, Unit
from gateway.understand.called import NameEvidence, fuse
from gateway.understand.normalise import normalise
from gateway.understand.registry import Registry
from gateway.understand.resolve import Parties, Prior, Resolver, ResolverSettings

UNITS = (
    Unit("a", "榕树湾A区最小应急单元", street="青石街"),
    Unit("b", "榕树湾B区最小应急单元", street="青石街"),
    Unit("s3", "青石第三小学最小应急单元"),
    Unit("s4", "青石第四小学最小应急单元"),
    Unit("book", "枫林书店最小应急单元", ("书香角",), callsign="洞五", radio_ids=("mdc1200:1A2B",)),
    Unit("hotel", "望海酒店最小应急单元", callsign="两幺勾", street="北坡街"),
    Unit("race", "跑马场最小应急单元"),
    Unit("horse", "马场最小应急单元"),
    Unit("citic", "中信大厦最小应急单元"),
    Unit("mall1", "金汇商场最小应急单元", street="青石街"),
    Unit("mall2", "金辉商场最小应急单元", street="北坡街"),
    Unit("park", "松涛公园最小应急单元"),
    Unit("estate", "松涛花园最小应急单元"),
    Unit("old", "旧城幼儿园最小应急单元", state="disabled"),
    Unit("new", "九成幼儿园最小应急单元"),
)


@pytest.fixture(scope="module")
def resolver() -> Resolver:
    return Resolver(Registry(UNITS), "望江派出所")


def brief(resolution: Resolution) -> str | None:
    """Who was matched, `command`, or None."""
    if resolution.status != "matched":
        assert resolution.unit_id is None
        assert resolution.name is None
        return None
    return "command" if resolution.kind == "command" else resolution.unit_id


def who(resolver: Resolver, text: str, prior: Prior | None = None) -> tuple[str | None, str | None]:
    parties = resolver.resolve(normalise(text), prior=prior)
    return brief(parties.caller), brief(parties.callee)


@pytest.mark.parametrize(
    ("text", "caller", "callee"),
    [
        # callee first
        ("指挥中心，我是枫林书店最小应急单元，有紧急情况汇报", "book", "command"),
        ("望海酒店，我是枫林书店，听到请回答", "book", "hotel"),
        ("指挥中心，枫林书店报告，东门有人打架", "book", "command"),
        ("总台总台，望海酒店呼叫", "hotel", "command"),
        # a post of two syllables, misheard, and posts that elsewhere are places
        ("中台，望海酒店，东门有人打架", "hotel", "command"),
        ("值班室，枫林书店，东门有人打架", "book", "command"),
        ("枫林书店呼叫值班室，东门有人打架", "book", "command"),
        ("枫林书店报告，二楼值班室着火了", "book", None),
        # caller first
        ("枫林书店呼叫指挥室，收到请讲", "book", "command"),
        ("指挥中心呼叫望海酒店，收到请回答", "command", "hotel"),
        ("望江派出所呼叫望海酒店，请回答", "command", "hotel"),
        ("我是望海酒店，呼叫枫林书店，收到请回话", "hotel", "book"),
        ("这里是松涛公园，一切正常", "park", None),
        # callee twice, then the caller
        ("枫林书店，枫林书店，望海酒店呼叫，请回答", "hotel", "book"),
        ("洞五，洞五，中心呼叫，请回答", "command", "book"),
        # the post is told something
        ("松涛公园报告指挥中心,南门水管爆裂", "park", "command"),
        ("松涛公园向指挥中心报告,有人被困电梯", "park", "command"),
        # callee only
        ("望海酒店，望海酒店，听到请回答", None, "hotel"),
        ("松涛公园请报告在岗情况", None, "park"),
        ("请望海酒店立即赶到东门集结", None, "hotel"),
        # self report
        ("枫林书店三人上岗，一切正常", "book", None),
        ("松涛花园最小应急单元两人已打卡上岗，情况正常", "estate", None),
        ("收到，枫林书店明白，马上出发", "book", None),
        ("望海酒店收到，正在前往松涛公园", "hotel", None),
        ("望海酒店，大堂有人闹事", "hotel", None),
        # nobody, or somebody in passing
        ("收到，请汇报现场情况", None, None),
        ("收到，马上安排", None, None),
        ("昨天我在望海酒店吃饭", None, None),
        ("望海酒店旁边着火了，请松涛公园过来支援", None, None),
        ("晚上一起去看电影吧，听说很好看", None, None),
        ("", None, None),
    ],
)
def test_call_orders(resolver: Resolver, text: str, caller: str | None, callee: str | None) -> None:
    assert who(resolver, text) == (caller, callee)


@pytest.mark.parametrize(
    ("text", "caller"),
    [
        ("我是风铃书电最小硬件单元", "book"),
        ("这里是忘海九点，收到", "hotel"),
        ("纸会中心我是松套公元有情况", "park"),
        ("我是荣书弯诶区", "a"),
        ("我是榕树湾a区", "a"),
        ("我是榕树湾ei区", "a"),
        ("我是榕树湾逼区", "b"),
        ("青石第四小学收到", "s4"),
        ("青石第三小学收到", "s3"),
        ("清时第四小学报告", "s4"),
        ("跑马场收到", "race"),
        ("马场收到", "horse"),
        ("中信大厦收到，正在前往", "citic"),
        ("书香角报告，有人晕倒", "book"),
        ("洞五收到", "book"),
        ("动五收到，在岗三人", "book"),
        ("两幺勾报告，有情况", "hotel"),
    ],
)
def test_names_are_heard_through_typical_mistakes(resolver: Resolver, text: str, caller: str) -> None:
    assert who(resolver, text)[0] == caller


@pytest.mark.parametrize("text", ["指挥中信，收到请回答", "呼叫之会中心，请回答", "指挥忠心，枫林书店报告"])
def test_a_unit_that_sounds_like_the_command_post_does_not_steal_its_name(
    resolver: Resolver, text: str
) -> None:
    assert who(resolver, text)[1] == "command"


@pytest.mark.parametrize("text", ["金汇商场收到", "旧城幼儿园收到", "我是松涛"])
def test_what_cannot_be_told_apart_is_ambiguous_with_candidates(resolver: Resolver, text: str) -> None:
    caller = resolver.resolve(normalise(text)).caller
    assert caller.status == "ambiguous"
    assert caller.unit_id is None
    assert len({c.unit_id for c in caller.candidates}) == len(caller.candidates) >= 2


def test_a_disabled_unit_is_resolved_when_it_is_the_only_one() -> None:
    alone = Resolver(Registry((UNITS[-2],)), "指挥中心")
    assert who(alone, "我是旧城幼儿园")[0] == "old"


def test_a_digit_callsign_is_not_found_in_amounts_and_places(resolver: Resolver) -> None:
    assert who(resolver, "219室有人闹事") == (None, None)
    assert who(resolver, "2195收到") == (None, None)


def test_a_matched_caller_explains_itself(resolver: Resolver) -> None:
    caller = resolver.resolve(normalise("指挥中心，我是风林书店最小应急单元")).caller
    assert (caller.unit_id, caller.name, caller.heard) == ("book", "枫林书店最小应急单元", "风林书店")
    assert caller.by == ("speech",)
    assert 0.9 <= caller.score <= 1
    assert 0.6 <= caller.margin <= caller.score
    assert caller.candidates[0].unit_id == "book"


def test_signalling_decides_when_registered(resolver: Resolver) -> None:
    prior = Prior(signalled=("mdc1200:1A2B",))
    silent = resolver.resolve("收到", prior=prior).caller
    assert (silent.unit_id, silent.by, silent.score) == ("book", ("mdc1200",), 1.0)
    assert resolver.resolve("枫林书店收到", prior=prior).caller.by == ("mdc1200", "speech")
    assert resolver.resolve("望海酒店收到", prior=prior).caller.unit_id == "book"
    assert resolver.resolve("收到", prior=Prior(signalled=("mdc1200:FFFF",))).caller.status == "unknown"


def test_a_prior_tips_a_balance(resolver: Resolver) -> None:
    expected = resolver.resolve("金汇商场收到", prior=Prior(expected=frozenset({"mall2", "park"}))).caller
    assert expected.candidates[0].unit_id == "mall2"
    called = resolver.resolve("松涛收到", prior=Prior(expected=frozenset({"estate"}))).caller
    assert (called.unit_id, called.by) == ("estate", ("speech", "rollcall"))
    nearby = resolver.resolve("金汇商场收到", prior=Prior(streets=frozenset({"北坡街"}))).caller
    assert nearby.candidates[0].unit_id == "mall2"
    assert (
        who(resolver, "望海酒店收到", Prior(expected=frozenset({"book"}), last_speaker="book"))[0] == "hotel"
    )


def test_a_prior_alone_names_nobody(resolver: Resolver) -> None:
    prior = Prior(expected=frozenset({"book"}), last_speaker="book", streets=frozenset({"青石街"}))
    assert who(resolver, "收到，在岗三人，一切正常", prior) == (None, None)


def test_stricter_settings_turn_a_match_into_doubt() -> None:
    strict = Resolver(Registry(UNITS), "指挥中心", ResolverSettings(wrong_unit_cost=1e8))
    caller = strict.resolve("我是忘海九店").caller
    assert (caller.status, caller.candidates[0].unit_id) == ("ambiguous", "hotel")


def test_an_empty_registry_still_knows_the_command_post() -> None:
    empty = Resolver(Registry(), "望江派出所")
    assert who(empty, "望江派出所，我是松涛公园") == (None, "command")


EVIDENCE = st.builds(
    NameEvidence,
    unit_id=st.sampled_from("uvwxyz"),
    score=st.floats(-20, 40),
    span=st.just((0.0, 1.0)),
    source=st.sampled_from(("text", "phones")),
)


@given(st.lists(EVIDENCE, max_size=12))
def test_fused_scores_are_probabilities_that_leave_room_for_nobody(evidence: list[NameEvidence]) -> None:
    shares = fuse(evidence, {})
    assert [unit_id for unit_id, _ in shares] == list(dict(shares))
    assert all(0 <= share <= 1 for _, share in shares)
    assert sum(share for _, share in shares) <= 1 + 1e-9
    assert [share for _, share in shares] == sorted((share for _, share in shares), reverse=True)


def test_fusing_adds_sources_and_priors() -> None:
    text, phones = NameEvidence("u", 1.0, (0, 2), "text"), NameEvidence("u", 2.0, (0.1, 0.4), "phones")
    ((unit_id, share),) = fuse([text, phones], {"u": -3.0})
    assert (unit_id, share) == ("u", pytest.approx(0.5))
    ((_, certain),) = fuse([text, phones], {})
    assert certain == pytest.approx(1 / (1 + math.exp(-3)))


def test_a_unit_missing_from_one_source_gets_no_credit_for_it() -> None:
    shares = dict(
        fuse(
            [
                NameEvidence(u, s, (0, 1), src)
                for u, s, src in (("u", 3, "text"), ("v", 3, "text"), ("v", -2, "phones"))
            ],
            {},
        )  # type: ignore[arg-type]
    )
    assert shares["u"] == pytest.approx(shares["v"])


SCRAPS = st.sampled_from(
    (
        "枫林书店",
        "望海酒店",
        "指挥中心",
        "我是",
        "呼叫",
        "收到",
        "报告",
        "请回答",
        "最小应急单元",
        "，",
        "。",
        "3人",
        "洞五",
        "在",
        "旁边",
        "x",
    )
)


@given(st.lists(SCRAPS | st.text(max_size=4), max_size=12))
def test_any_text_gives_an_answer_that_holds_together(scraps: list[str]) -> None:
    resolver = Resolver(Registry(UNITS), "指挥中心")
    text = normalise("".join(scraps))
    parties = resolver.resolve(text)
    assert parties == resolver.resolve(text)
    assert isinstance(parties, Parties)
    for party in (parties.caller, parties.callee):
        assert 0 <= party.margin <= party.score <= 1
        assert (party.unit_id is not None) == (party.status == "matched" and party.kind == "unit")
        assert party.heard is None or party.heard in text
        assert len(party.candidates) <= 5
    if parties.caller.unit_id is not None:
        assert parties.caller.unit_id != parties.callee.unit_id
