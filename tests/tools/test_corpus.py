"""The corpus is planned so that development and test share nothing, and what is committed is described."""

import csv
from collections import Counter
from pathlib import Path

import pytest
import soundfile as sf
import yaml

from gateway.speak.wording import spoken_form
from gateway.understand.names import bare_name, unit_forms
from gateway.understand.pinyin import syllables
from gateway.understand.registry import parse_units_csv
from tools.calls import Call, read_manifest
from tools.cityregistry import city_units
from tools.citysentences import PLACES, city_templates
from tools.corpus import CITY_SEED, JUDGES, UNITS, city_plan, judge_plan, plan, units
from tools.judgesplits import JudgeSplit
from tools.phonehead.calltexts import CallTexts
from tools.phonehead.radiotexts import RadioTexts
from tools.reportsentences import PLACES as DEV2_PLACES
from tools.reportsentences import reported
from tools.scripted import scripted_calls
from tools.sentences import LOCATIONS, templates
from tools.voice import HELD_TIMBRES, VOICES

DATA = Path(__file__).parents[1] / "data"
LEXICON = Path(__file__).parents[2] / "config" / "lexicon.yaml"
SHARED_BEFORE_THIS_WAS_LOOKED_AT = {"西门", "9号楼天台"}
"""Places of `sealed` and `loft`, which had been spoken and run."""


def test_splits_share_no_sentence_unit_or_voice() -> None:
    dev, test = ([c for c in plan() if c.split == split] for split in ("dev", "test"))
    for column in ("template", "text", "voice"):
        shared = {getattr(c, column) for c in dev} & {getattr(c, column) for c in test}
        assert not shared, column
    assert not ({c.caller_id for c in dev} & {c.caller_id for c in test}) - {""}
    assert not {t.text for t in templates() if t.split == "dev"} & {
        t.text for t in templates() if t.split == "test"
    }


def test_plan_is_the_same_every_time_and_files_are_unique() -> None:
    assert plan() == plan()
    names = [c.file for c in plan()]
    assert len(set(names)) == len(names)


def test_every_label_is_one_the_lexicon_knows() -> None:
    lexicon = yaml.safe_load(LEXICON.read_text(encoding="utf-8"))
    codes = {t["code"] for t in lexicon["incident_types"]} | {"UNKNOWN"}
    agencies = {a["code"] for a in lexicon["agencies"]}
    calls = [*plan(), *city_plan(), *judged(), *scripted_calls()]
    assert {c.code for c in calls} - {""} <= codes
    assert {a for c in calls for a in c.agencies.split("|")} - {""} <= agencies
    assert len({t.code for t in templates() if t.code}) >= 25


def test_labels_say_what_the_words_say() -> None:
    for call in plan():
        assert "{" not in call.text
        assert not call.caller or call.caller in call.text
        assert not call.location or call.location in call.text
        assert not call.headcount or call.headcount in call.text
        if call.kind != "rollcall_call":
            assert (call.callee == "command") == ("指挥中心" in call.text)


def test_committed_calls_are_described_and_sound_as_long_as_they_say() -> None:
    calls = read_manifest(DATA / "manifest.csv")
    assert {c.file for c in calls} == {p.name for p in (DATA / "calls").glob("*.flac")}
    known = {name for split in ("dev", "test") for _, name in units(split)}
    for call in calls:
        info = sf.info(DATA / "calls" / call.file)
        assert (info.samplerate, info.channels) == (16_000, 1)
        assert info.duration == pytest.approx(call.seconds, abs=0.02)
        assert call.voice in VOICES
        assert not call.caller or call.caller in known
    assert sum((DATA / "calls" / c.file).stat().st_size for c in calls) < 12e6


def test_units_are_a_valid_registry() -> None:
    registered = parse_units_csv(UNITS.read_bytes(), UNITS.name)
    with UNITS.open(encoding="utf-8") as rows:
        assert len(registered) == sum(1 for _ in csv.DictReader(rows)) >= 100


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("华夏A区", "华夏诶区"),
        ("在岗12人", "在岗十二人"),
        ("120急救", "幺二零急救"),
        ("6号楼", "六号楼"),
        ("20人", "二十人"),
        ("07", "洞拐"),
        ("AED", "诶伊地"),
    ],
)
def test_letters_and_digits_are_written_as_operators_say_them(written: str, said: str) -> None:
    assert spoken_form(written) == said


def test_radio_digits_on_request() -> None:
    assert spoken_form("01279", radio_digits=True) == "洞幺两拐勾"


def test_the_second_corpus_shares_no_sentence_unit_or_voice_between_splits() -> None:
    dev, test, blind = ([c for c in city_plan() if c.split == split] for split in ("dev", "test", "blind"))
    assert city_plan() == [*city_plan()]
    for column in ("template", "text", "voice"):
        assert not {getattr(c, column) for c in dev} & {getattr(c, column) for c in (*test, *blind)}, column
    assert not {c.text for c in test} & {c.text for c in blind}
    assert not ({c.caller_id for c in dev} & {c.caller_id for c in test}) - {""}
    assert not {t.text for t in city_templates()} & {t.text for t in templates()}


def judged() -> list[Call]:
    return [call for split in JUDGES.values() for call in judge_plan(split)]


@pytest.mark.parametrize("name", JUDGES)
def test_a_split_that_judges_shares_nothing_with_what_was_fitted_or_looked_at(name: str) -> None:
    own = judge_plan(JUDGES[name])
    before = [JUDGES[one] for one in list(JUDGES)[: list(JUDGES).index(name)]]
    known = [*plan(), *city_plan(), *(call for split in before for call in judge_plan(split))]
    assert own == judge_plan(JUDGES[name])
    for column in ("template", "text", "voice", "file"):
        assert not {getattr(c, column) for c in known} & {getattr(c, column) for c in own}, column
    listed = (*templates(), *city_templates(), *(t for split in before for t in split.templates()))
    assert not {t.text for t in listed} & {t.text for t in JUDGES[name].templates()}
    assert len({c.file for c in own}) == len(own)
    assert not any("{" in c.text for c in own)
    sounds = {timbre for voice in JUDGES[name].voices for timbre in voice.partition("/")[0].split("+")}
    assert sounds <= set(HELD_TIMBRES)


@pytest.mark.parametrize("split", JUDGES.values(), ids=list(JUDGES))
def test_a_judges_strangers_are_not_registered(split: JudgeSplit) -> None:
    forms = {form.text for unit in city_units(split.seed) for form in unit_forms(unit)}
    assert not [form for form in forms for name in split.strangers if form in name or name in form]


@pytest.mark.parametrize("split", JUDGES.values(), ids=list(JUDGES))
def test_a_judge_hears_of_everything_that_may_happen(split: JudgeSplit) -> None:
    lexicon = yaml.safe_load(LEXICON.read_text(encoding="utf-8"))
    assert {t["code"] for t in lexicon["incident_types"]} <= {template.code for template in split.templates()}


@pytest.mark.parametrize("name", JUDGES)
def test_a_judge_tells_of_places_and_strangers_that_no_split_before_it_told_of(name: str) -> None:
    own = JUDGES[name]
    before = [JUDGES[one] for one in list(JUDGES)[: list(JUDGES).index(name)]]
    listed = [*LOCATIONS.values(), *PLACES.values(), *DEV2_PLACES.values()]
    listed += [(*split.places, *split.heights) for split in before]
    shared = {place for places in listed for place in places} & {*own.places, *own.heights}
    assert shared <= SHARED_BEFORE_THIS_WAS_LOOKED_AT
    assert not {stranger for split in before for stranger in split.strangers} & {*own.strangers}
    assert own.seed not in {seed for split, seed in CITY_SEED.items() if split != name}
    assert not {text.text for text in reported()} & {template.text for template in own.templates()}


@pytest.mark.parametrize("name", JUDGES)
def test_a_judges_labels_say_what_its_words_say(name: str) -> None:
    registered = {u.unit_id: u for u in city_units(JUDGES[name].seed) if u.state == "active"}
    for call in judge_plan(JUDGES[name]):
        if call.caller_id:
            unit = registered[call.caller_id]
            said = (bare_name(unit.name), *unit.aliases, unit.callsign)
            assert any(form and form in call.text for form in said), call.text
        assert call.location in call.text
        for count in (call.headcount, call.expected):
            assert any(form in call.text for form in _counted(count)), call.text


def _counted(number: str) -> tuple[str, ...]:
    """How a head count may be written: in digits, or in words."""
    words = spoken_form(f"{number}人").removesuffix("人")
    return (number, words, "俩", "两") if number == "2" else (number, words)


@pytest.mark.parametrize("seed", sorted(set(CITY_SEED.values())))
def test_no_two_units_of_the_city_sound_alike(seed: int) -> None:
    units = city_units(seed)
    sounds = Counter(
        tuple(syllables(form.text).codes.tolist()) for unit in units for form in unit_forms(unit)
    )
    assert len(units) == 2_702
    assert max(sounds.values()) == 1


@pytest.mark.parametrize("source", [CallTexts, RadioTexts])
def test_training_calls_are_the_same_every_time_and_none_is_of_a_corpus(
    source: type[CallTexts] | type[RadioTexts],
) -> None:
    calls = source()
    said = [calls[index] for index in range(10_000, 10_020)]
    assert said == [source()[index] for index in range(10_000, 10_020)]
    assert not any(slot in text for text in said for slot in "{}")
    assert not set(said) & {call.text.rstrip("。") for call in (*plan(), *city_plan(), *judged())}
