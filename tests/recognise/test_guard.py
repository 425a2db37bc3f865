import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.recognise import guard
from gateway.recognise.guard import Evidence, clean, doubts, nothing_said, repeats

CALM = Evidence(audio_s=8.0, speech_s=6.0, no_speech=0.05, log_prob=-0.3)

REAL_CALLS = [
    "指挥中心，我是华夏A区最小应急单元，有紧急情况汇报",
    "收到，马上安排",
    "收到，收到",
    "到",
    "6号楼楼顶，需要消防、公安、120急救紧急支援",
    "洞两洞两，我是洞三",
    "3号楼KTV起火，请拨打119，119",
    "报告，在岗三人，一切正常，谢谢",
    "刚才WIFI断了",
]


@pytest.mark.parametrize("text", REAL_CALLS)
def test_real_calls_are_believed(text: str) -> None:
    assert doubts(text, CALM) == ()
    assert not nothing_said(text, CALM)


@pytest.mark.parametrize(
    "text",
    [
        "字幕志愿者 杨茜茜",
        "請不吝點贊訂閱轉發打賞支持明鏡與點點欄目",
        "请不吝点赞 订阅 转发 打赏支持明镜与点点栏目",
        "謝謝觀看",
        "優優獨播劇場——YoYo Television Series Exclusive",
        "中文字幕志愿者",
        "由 Amara.org 社群提供的字幕",
    ],
)
def test_known_inventions_alone_are_nothing(text: str) -> None:
    assert "known_phrase" in doubts(text, CALM)
    assert nothing_said(text, CALM)


def test_a_known_phrase_at_the_end_of_a_call_is_a_doubt_and_the_call_stays() -> None:
    text = "指挥中心，我是华夏A区最小应急单元，三号楼发生火灾，需要消防支援。谢谢观看"
    assert doubts(text, CALM) == ("known_phrase",)
    assert not nothing_said(text, CALM)


@pytest.mark.parametrize(
    ("text", "evidence", "reason"),
    [
        ("收到", Evidence(3.0, speech_s=0.0), "no_voice"),
        ("收到", Evidence(3.0, no_speech=0.9), "no_speech"),
        ("收到", Evidence(3.0, log_prob=-1.2), "low_probability"),
        ("收到", Evidence(3.0, confidence=0.1), "low_probability"),
        ("我们在这里" * 14, Evidence(30.0), "compression"),
        ("做去做去做去做去", Evidence(8.0), "repeats"),
        ("thank you for watching this video", Evidence(8.0), "foreign_script"),
        ("ご視聴ありがとうございました", Evidence(8.0), "foreign_script"),
        (
            "这里有三十个汉字但是说话的时间只有一秒多一点所以不可能是真",
            Evidence(8.0, speech_s=1.2),
            "too_fast",
        ),
        ("这里有三十个汉字但是说话的时间只有一秒多一点所以不可能是真", Evidence(1.2), "too_fast"),
    ],
)
def test_each_sign_is_seen(text: str, evidence: Evidence, reason: str) -> None:
    assert reason in doubts(text, evidence)


def test_no_speech_alone_does_not_silence_a_sure_text() -> None:
    assert not nothing_said("收到", Evidence(3.0, speech_s=0.8, no_speech=0.9, log_prob=-0.2))
    assert nothing_said("收到", Evidence(3.0, speech_s=0.8, no_speech=0.9, log_prob=-1.3))


def test_no_words_need_no_doubts() -> None:
    assert doubts(" 。，", Evidence(3.0, speech_s=0.0, no_speech=1.0)) == ()
    assert nothing_said(" 。，", CALM)


def test_korean_is_no_foreign_script_to_a_korean_model() -> None:
    assert doubts("지구의 종식 윤 션", Evidence(5.0, languages=("ko",))) == ()


@pytest.mark.parametrize(
    ("text", "times"),
    [
        ("收到收到收到", 3),
        ("好的，收到，收到", 2),
        ("一二三", 1),
        ("", 1),
        ("X做去做去做去", 3),
        ("119119119", 1),
    ],
)
def test_repeats_are_counted(text: str, times: int) -> None:
    assert repeats(text) == times


@given(st.text("收到好A1，", min_size=2, max_size=5), st.integers(1, 5))
def test_a_stretch_said_n_times_is_seen_n_times(unit: str, times: int) -> None:
    bare = "".join(character for character in guard.bare(unit) if not character.isdigit())
    assert repeats(unit * times) >= (times if len(bare) >= 2 else 1)


def test_run_on_repeats_are_cut_to_two() -> None:
    assert clean("上班了所以去做去做去做去做去做") == "上班了所以去做去做"
    assert clean("字字字字字字") == "字字"
    assert clean("收到，收到，收到，收到，完毕") == "收到，收到，完毕"
    assert clean("电话13800000000，火警119119119") == "电话13800000000，火警119119119"


@given(st.text("收到好的A1，。 ", max_size=60))
def test_cleaning_is_idempotent_and_never_grows(text: str) -> None:
    once = clean(text)
    assert clean(once) == once
    assert len(once) <= len(text)
    assert set(once) == set(text)


@given(
    st.text(max_size=40),
    st.floats(0.0, 60.0),
    st.none() | st.floats(0.0, 60.0),
    st.none() | st.floats(0.0, 1.0),
    st.none() | st.floats(-5.0, 0.0),
)
def test_any_text_and_any_numbers_get_an_answer(
    text: str, audio_s: float, speech_s: float | None, no_speech: float | None, log_prob: float | None
) -> None:
    evidence = Evidence(audio_s, speech_s, no_speech, log_prob)
    if nothing_said(text, evidence) and guard.bare(text):
        assert doubts(text, evidence), "words are only taken away for a reason that can be told"


@pytest.mark.parametrize("text", ["嗯嗯", "恩恩恩恩", "哦哦。", "啊,啊", "呜呜", "不不"])
def test_humming_for_seconds_is_no_speech(text: str) -> None:
    assert "interjections" in doubts(text, Evidence(6.0, speech_s=4.0, log_prob=-0.3))
    assert nothing_said(text, Evidence(6.0, speech_s=4.0, log_prob=-0.3))


@pytest.mark.parametrize("text", ["嗯", "嗯,收到", "啊有人落水", "在在"])
def test_a_short_hum_and_words_behind_one_stay(text: str) -> None:
    assert not nothing_said(text, Evidence(2.0 if text == "嗯" else 6.0, speech_s=1.5, log_prob=-0.3))
