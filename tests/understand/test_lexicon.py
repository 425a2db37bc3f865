"""The lexicon file: what is shipped is true, what a station adds counts, what is broken is named."""

from functools import cached_property
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import BadInput
from gateway.understand.lexicon import Lexicon
from gateway.understand.location import read_place
from gateway.understand.match import Hit, Kind, Label, Phrase, PhraseBook
from gateway.understand.phones import phones_of
from gateway.understand.reading import read
from gateway.understand.searches import Searches


@pytest.fixture(scope="module")
def document(lexicon_text: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(lexicon_text)
    return loaded


def test_every_synonym_of_every_type_is_found(document: dict[str, Any], lexicon: Lexicon) -> None:
    for entry in document["incident_types"]:
        for word in entry["synonyms"]:
            hits = [h for h, standing in read(lexicon.fold(word), lexicon).hits if standing == "stated"]
            codes = {code for h in hits for code in h.codes(Kind.INCIDENT)}
            assert entry["code"] in codes, word


def test_no_short_incident_word_sounds_like_a_word_of_head_counts(document: dict[str, Any]) -> None:
    duty = {phones_of(word) for word in ("应到", "实到", "在岗", "在位", "到岗", "上岗", "在编")}
    for entry in document["incident_types"]:
        assert not [word for word in entry["synonyms"] if phones_of(word) in duty], entry["code"]


def test_every_place_example_holds(document: dict[str, Any], lexicon: Lexicon) -> None:
    for example in document["location"]["examples"]:
        place = read_place(example["text"], lexicon.places)
        assert place is not None, example
        assert dict(place.parts) == example["expect"]


def test_folding_keeps_length_and_repairs(lexicon: Lexicon) -> None:
    assert lexicon.fold("收道,3人再岗") == "收到,3人在岗"
    assert lexicon.fold("他受到影响") == "他受到影响"
    assert lexicon.fold("烟雾报警") == "烟雾报警"
    assert lexicon.fold("AB楼。") == "ab楼."


def test_reading_makes_no_search_and_preparing_makes_them_all(lexicon_text: str) -> None:
    searches = {name for name, value in vars(Searches).items() if isinstance(value, cached_property)}
    lexicon = Lexicon.parse(lexicon_text, "config/lexicon.yaml")
    assert searches
    assert not searches & vars(lexicon.searches).keys()
    lexicon.prepare()
    assert searches <= vars(lexicon.searches).keys()


def test_a_station_adds_words_types_and_agencies(lexicon_text: str) -> None:
    extra = """
incident_types:
  - {code: FIRE, synonyms: [冒火星], event_codes: [{scheme: 本地警情码, value: "0501"}]}
  - {code: DOCK_JAM, zh: 码头拥堵, class: traffic, severity: minor, agencies: [HARBOUR], synonyms: [码头堵了]}
agencies:
  - {code: HARBOUR, zh: 港务, synonyms: [港务局]}
acts: {ack_received: [抄到]}
cancel: [报错警了]
resolve: [船已拖走]
spots: [3号泊位]
"""
    lexicon = Lexicon.parse(lexicon_text, "config/lexicon.yaml", (extra, "station.yaml"))
    assert lexicon.types["FIRE"].event_codes == (("本地警情码", "0501"),)
    assert lexicon.types["FIRE"].severity == "Severe"
    assert lexicon.types["DOCK_JAM"].alarm_class == "traffic"
    phrases = {
        p for text in ("冒火星", "码头堵了", "抄到", "报错警了", "船已拖走") for p in found(lexicon, text)
    }
    assert phrases == {"冒火星", "码头堵了", "抄到", "报错警了", "船已拖走"}
    place = read_place("在3号泊位", lexicon.places)
    assert place is not None
    assert place.parts == (("spot", "3号泊位"),)


def found(lexicon: Lexicon, text: str) -> list[str]:
    return [hit.phrase for hit in lexicon.book.find(text).hits]


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ("incident_types: [", "station.yaml:1: not valid YAML"),
        ("types: []", "station.yaml:types: Extra inputs are not permitted"),
        ("- a", "station.yaml:(top):"),
        ("incident_types: [{code: NEW, synonyms: [x]}]", "incident_types.NEW: a new type needs zh and class"),
        ("incident_types: [{code: FIRE, severity: huge}]", "FIRE.severity: huge is none of"),
        ("incident_types: [{code: FIRE, agencies: [NASA]}]", "FIRE.agencies: no such agency"),
        ("incident_types: [{code: FIRE, synonyms: [打架]}]", "FIRE.synonyms: 打架 is FIGHT"),
        ("incident_types: [{code: FIRE, patterns: ['(']}]", "FIRE.patterns: not a regular"),
        ("incident_types: [{code: FIRE, synonyms: [119]}]", "put numbers in quotes"),
        ("acts: {sing: [啦]}", "station.yaml:acts.sing: no such act"),
    ],
)  # fmt: skip
def test_a_broken_station_file_is_named(extra: str, message: str, lexicon_text: str) -> None:
    with pytest.raises(BadInput) as error:
        Lexicon.parse(lexicon_text, "config/lexicon.yaml", (extra, "station.yaml"))
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("incident_types", 0, "severity"), "huge", "lex.yaml:incident_types.KNIFE_ATTACK.severity"),
        (("incident_types", 0, "class"), "odd", "lex.yaml:incident_types.KNIFE_ATTACK.class: no such class"),
        (("incident_types", 1, "code"), "KNIFE_ATTACK", "this code is there twice"),
        (("location", "components", "floor"), "(", "lex.yaml:location.components.floor: not a regular"),
        (("location", "components", "floor"), "x", "lex.yaml:location.components.floor: needs a group"),
        (("asr_repairs", "items", "收到"), ["收"], "lex.yaml:asr_repairs.items.收到: 收 must be as long"),
        (("relations", "refines", "FIRE"), ["NOPE"], "lex.yaml:relations.refines.FIRE: no such type"),
    ],
)
def test_a_broken_lexicon_is_named(
    path: tuple[Any, ...], value: object, message: str, lexicon_text: str
) -> None:
    broken = yaml.safe_load(lexicon_text)
    at = broken
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = value
    with pytest.raises(BadInput) as error:
        Lexicon.parse(yaml.safe_dump(broken, allow_unicode=True), "lex.yaml")
    assert message in str(error.value)


@pytest.mark.parametrize("missing", [("acts", "present"), ("drill", "live")])
def test_a_lexicon_without_what_the_code_needs_is_refused(
    missing: tuple[str, str], lexicon_text: str
) -> None:
    broken = yaml.safe_load(lexicon_text)
    del broken[missing[0]][missing[1]]
    with pytest.raises(BadInput, match=missing[1]):
        Lexicon.parse(yaml.safe_dump(broken, allow_unicode=True), "lex.yaml")


def phrase(text: str, kind: Kind, code: str) -> Phrase:
    return Phrase(text, (Label(kind, code),), 0)


def test_the_longest_match_wins_wherever_it_starts() -> None:
    book = PhraseBook.of(
        [phrase("着火", Kind.INCIDENT, "FIRE"), phrase("电动车着火", Kind.INCIDENT, "EBIKE")]
    )
    assert [h.phrase for h in book.find("电动车着火了,楼上着火").hits] == ["电动车着火", "着火"]


def test_sound_never_crosses_polarity() -> None:
    book = PhraseBook.of(
        [phrase("地面倒塌", Kind.INCIDENT, "COLLAPSE"), phrase("地面到达", Kind.ACT, "arrived")]
    )
    between = book.find("地面道踏")
    assert between.hits == ()
    assert between.doubts == ("sounds_like:地面倒塌|地面到达",)


def test_an_exact_phrase_of_another_polarity_is_never_overruled_by_sound() -> None:
    book = PhraseBook.of(
        [phrase("没有意识", Kind.INCIDENT, "UNC"), phrase("没有异常", Kind.ACT, "all_normal")]
    )
    assert [h.phrase for h in book.find("没有异常").hits] == ["没有异常"]
    assert [h.phrase for h in book.find("没油意识").hits] == ["没有意识"]


@pytest.mark.parametrize("text", ["转移支付", "火灾", "着伙", "报警", "12栋"])
def test_short_or_unlike_words_are_not_heard_by_sound(text: str, lexicon: Lexicon) -> None:
    assert not [h for h in lexicon.book.find(text).hits if h.by_sound]


@settings(max_examples=80, deadline=None)
@given(text=st.text(alphabet="着火了报警收到没有人在岗3楼,.?a误解除洞幺İ🔥 \u3000", max_size=60))
def test_reading_any_text_gives_disjoint_hits_inside_it(text: str, lexicon: Lexicon) -> None:
    folded = lexicon.fold(text)
    assert len(folded) == len(text)
    hits: list[Hit] = [h for h, _ in read(folded, lexicon).hits]
    assert all(0 <= h.start < h.end <= len(text) for h in hits)
    assert all(not a.overlaps(b) for i, a in enumerate(hits) for b in hits[i + 1 :])
