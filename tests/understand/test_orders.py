"""Officers send units about: an order is nobody's report, and whom it names does not speak."""

import pytest

from gateway.model import UNKNOWN, Resolution, Transcript, Unit
from gateway.understand.lexicon import Lexicon
from gateway.understand.normalise import normalise
from gateway.understand.orders import is_order
from gateway.understand.registry import Registry
from gateway.understand.resolve import Parties, Resolver
from gateway.understand.understand import Context, is_command, understand

UNITS = tuple(
    Unit(unit_id, f"{name}最小应急单元")
    for unit_id, name in {"school": "棠东小学", "market": "五山市场", "estate": "金穗花园"}.items()
)
POST = Resolution("matched", None, "指挥中心", 0.99, 0.9, "指挥中心", ("speech",), (), "command")


@pytest.fixture(scope="module")
def resolver() -> Resolver:
    return Resolver(Registry(UNITS), "望江派出所")


def parties_of(resolver: Resolver, text: str) -> Parties:
    return resolver.resolve(normalise(text))


@pytest.mark.parametrize(
    ("text", "callees"),
    [
        ("请棠东小学、五山市场立即赶到东门增援", {"school", "market"}),
        ("请棠东小学和五山市场迅速前往东门增援", {"school", "market"}),
        ("请金穗花园及周边单元立即到场", {"estate"}),
        ("东门有人持刀,请金穗花园立即到场处置", {"estate"}),
        ("各单元注意,请五山市场马上赶到东门集结", {"market"}),
    ],
)
def test_whom_an_order_names_is_spoken_to(
    text: str, callees: set[str], resolver: Resolver, lexicon: Lexicon
) -> None:
    parties = parties_of(resolver, text)
    assert parties.caller.status == "unknown"
    assert parties.callee.unit_id in callees
    understood = understand(_said(text), parties, Context(), lexicon)
    assert is_command(understood)
    assert not {"arrived", "ack_wilco", "report"} & set(understood.acts)
    assert understood.incident.polarity == "none"


def test_what_an_order_tells_of_is_for_a_person_to_see(resolver: Resolver, lexicon: Lexicon) -> None:
    text = "东门有人持刀,请金穗花园立即到场处置"
    understood = understand(_said(text), parties_of(resolver, text), Context(), lexicon)
    assert any(reason.startswith("told_in_order:") for reason in understood.review_reasons)


@pytest.mark.parametrize(
    ("text", "caller"),
    [
        ("指挥中心,我是棠东小学,东门有人持刀,请五山市场立即赶到增援", "school"),
        ("指挥中心,棠东小学报告,3号楼着火,请消防立即到场", "school"),
        ("五山市场收到,立即赶到东门", "market"),
        ("五山市场立即赶到东门", "market"),
    ],
)
def test_a_unit_that_asks_or_goes_speaks_for_itself(text: str, caller: str, resolver: Resolver) -> None:
    assert parties_of(resolver, text).caller.unit_id == caller


@pytest.mark.parametrize(
    "text",
    [
        "3号楼着火,请消防、公安立即到场支援",
        "有人持刀,请派120急救马上赶到",
        "我单元3号楼着火,请周边单元立即支援",
        "需要增援,请五山市场马上赶到",
    ],
)
def test_asking_for_help_is_no_order(text: str) -> None:
    assert not is_order(text, UNKNOWN)


def test_who_hails_the_command_post_orders_nobody() -> None:
    assert is_order("请五山市场立即赶到东门", UNKNOWN)
    assert not is_order("请五山市场立即赶到东门", POST)


def _said(text: str) -> Transcript:
    return Transcript(normalise(text), text, engine="test", model="test", decode_s=0.0, confidence=0.9)
