"""Roll-calls that begin by themselves, and whole days of them in simulated time."""

from collections.abc import Callable, Sequence
from datetime import timedelta

from gateway.publish.requests import RollcallStart
from gateway.rollcallsettings import RollcallSettings, ScheduleSettings
from tools.airplay import AirPlay, Answer

OnAir = Callable[..., None]


def nobody(_said: str) -> Sequence[Answer]:
    return ()


def settings_of(**schedule: object) -> RollcallSettings:
    one = ScheduleSettings.model_validate({"name": "早点名", "window": "09:00-09:30", **schedule})
    return RollcallSettings(calls=1, wait_s=5.0, last_call_s=0.0, schedule=(one,))


async def a_day(play: AirPlay, hours: float = 24.0) -> None:
    """Look at the schedules twice a minute, as the office does more often."""
    for _ in range(int(hours * 120)):
        await play.office.timetable.keep()
        await play.run(most_s=30.0)
        end_s = 30.0 - play.clock.mono_s % 30.0
        play.clock.advance(end_s)


def test_it_begins_once_a_day_in_its_window(on_air: OnAir) -> None:
    async def scene(play: AirPlay) -> None:
        await play.office.take_up()
        await a_day(play, 30.0)

        began = [event.time for event in play.of("rollcall.started")]
        assert [at.strftime("%d %H:%M") for at in began] == ["01 09:00", "02 09:00"]
        assert len(play.of("rollcall.finished")) == 2
        assert play.faults == ["rollcall/早点名: recovered"] * 2

    on_air(scene, settings=settings_of(), crew=nobody)


def test_a_restart_in_the_window_does_not_begin_it_again(on_air: OnAir) -> None:
    async def scene(play: AirPlay) -> None:
        await play.office.take_up()
        play.clock.advance(3700.0)
        await play.office.timetable.keep()
        await play.run(most_s=4.0)
        (begun,) = play.of("rollcall.started")
        await play.conductor.stop()
        play.new_process()
        await play.office.take_up()
        await play.conductor.go_on()
        await a_day(play, 1.0)

        assert [event.id for event in play.of("rollcall.started")] == [begun.id]
        assert len(play.of("rollcall.finished")) == 1

    on_air(scene, settings=settings_of(), crew=nobody)


def test_what_cannot_begin_in_its_window_is_told(on_air: OnAir) -> None:
    async def scene(play: AirPlay) -> None:
        await play.office.take_up()
        play.clock.advance(3500.0)
        await play.office.desk.start_one(RollcallStart(wait_s=600.0, calls=2))
        await a_day(play, 1.0)

        assert len(play.of("rollcall.started")) == 1
        assert len(play.faults) == 1
        assert "早点名 of 2026-05-01 could not begin before 09:30" in play.faults[0]

    on_air(scene, settings=settings_of(), crew=nobody)


def test_a_roll_call_by_voice_is_let_go_by_the_clock(on_air: OnAir) -> None:
    async def scene(play: AirPlay) -> None:
        play.answer(Answer("各单元注意,现在开始点名"))
        play.answer(Answer("指挥中心呼叫金穗花园,听到请回答", 10.0))
        await play.run()
        assert len(play.of("rollcall.called")) == 1
        rollcall_id = play.pipeline.rollcall.followed_id
        assert play.shown[f"rollcall/{rollcall_id}"] is not None

        play.clock.advance(timedelta(minutes=29).total_seconds())
        await play.office.let_go()
        assert play.of("rollcall.finished") == []
        play.clock.advance(timedelta(minutes=2).total_seconds())
        await play.office.let_go()

        (finished,) = play.of("rollcall.finished")
        assert finished.data["ended"] == "fell_silent"
        assert play.outcomes() == {"u1": "no_answer"}
        assert play.shown[f"rollcall/{rollcall_id}"] is None

    on_air(scene)


def test_a_street_that_has_gone_does_not_stop_a_schedule(on_air: OnAir) -> None:
    async def scene(play: AirPlay) -> None:
        await play.office.take_up()
        await a_day(play, 1.5)

        (started,) = play.of("rollcall.started")
        assert {event.subject for event in play.of("rollcall.called")} == {"u1", "u2"}
        assert started.time.strftime("%H:%M") == "09:00"

    on_air(scene, settings=settings_of(streets=("石牌街", "并掉的街")), crew=nobody)


def test_a_window_that_was_over_before_the_start_is_no_fault(on_air: OnAir) -> None:
    async def scene(play: AirPlay) -> None:
        await play.office.take_up()
        await a_day(play, 0.2)
        assert not play.of("rollcall.started")
        assert play.faults == []

    on_air(scene, settings=settings_of(window="06:00-07:00"), crew=nobody)
