"""A drill (拉动) that an officer holds by voice, followed without keying up. Pure.

"现在进行拉动测试", "演练开始" or a scenario, "模拟商场东门有人持刀,请金穗花园及周边单元立即到场", opens it;
each order's end starts the clocks of the units it names, "拉动结束" settles it. The first unit ordered is the
one on the spot, the others of that order and those who come unnamed are its line (一线); whoever is sent to
muster (集结) is the area (一片). Without an order nobody is graded: a drill may be nothing but a roll-call.
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from gateway.events import DrillRole, Model, Timestamp
from gateway.model import SoundClass
from gateway.rollcall.drillhearing import is_order, means_others
from gateway.rollcall.happenings import DrillMoved, TellDrill
from gateway.rollcall.hearing import understood_of
from gateway.rollcall.muster import LIMITS_S, Member, Muster, steps_of
from gateway.rollcall.overheard import ListeningRules, Overheard
from gateway.rollcall.sheet import CallMade, Ended, Reply

_PLAYED: Final = re.compile(r"(?:模拟|假设|假想|设想)(?P<what>.+?)(?=[,。.]?请|$)")
_MUSTERS: Final = re.compile("集结|集合")
_COMES: Final = frozenset({"departed", "arrived"})


@dataclass(frozen=True, slots=True)
class Drilled:
    """A follower after a transmission. `takes_report` when it is a unit's report, and so no check-in."""

    follower: "DrillFollower"
    changes: tuple[TellDrill, ...] = ()
    drill_id: str | None = None
    takes_report: bool = False


class DrillFollower(Model):
    """One radio's drill by voice, or none. Immutable; its JSON survives a restart.

    `order` is the last order, `others` whether it was also for units that it did not name.
    """

    radio_id: str
    muster: Muster | None = None
    order: CallMade | None = None
    others: bool = False
    paused: bool = False
    moved_at: Timestamp | None = None

    @property
    def drill_id(self) -> str | None:
        """The drill that goes on."""
        return self.muster.drill_id if self.muster is not None else None

    def hear(self, heard: Overheard, rules: ListeningRules, opened: str | None) -> Drilled:
        """Take in one transmission. `opened` is the roll-call it belongs to, which lends a drill its id."""
        scene = _Scene(self, heard)
        if self.has_fallen_silent(heard.began_at, rules):
            scene.finish(self.moved_at or heard.began_at, "fell_silent")
        scene.read(opened, rules)
        follower = scene.follower
        interrupted = heard.emergency or follower.paused
        drill_id = None if interrupted else follower.drill_id or (self.drill_id if scene.closes else None)
        return Drilled(follower, tuple(scene.changes), drill_id, scene.takes_report)

    def could_not_hear(self) -> "DrillFollower":
        """Note that the radio was not heard for a moment."""
        return self._obstructed("gateway_deaf")

    def has_fallen_silent(self, now: datetime, rules: ListeningRules) -> bool:
        """Whether nobody has gone on with it for so long that nobody will."""
        if self.muster is None or self.moved_at is None:
            return False
        return now - self.moved_at > timedelta(seconds=rules.forget_s)

    def ended(self, at: datetime, ended: Ended) -> tuple[TellDrill, ...]:
        """What is told of its end."""
        if self.muster is None:
            return ()
        muster, settled = self.muster.settled(at, ended)
        return (
            *(TellDrill("arrived", muster, one, "settled") for one in settled),
            TellDrill("finished", muster),
        )

    def _obstructed(self, reason: str) -> "DrillFollower":
        if self.muster is None:
            return self
        return self.model_copy(update={"muster": self.muster.obstructed(reason)})


class _Scene:
    """One transmission meeting one drill; collects what changes."""

    def __init__(self, follower: DrillFollower, heard: Overheard) -> None:
        self.follower = follower
        self.heard = heard
        self.changes: list[TellDrill] = []
        self.takes_report = False
        self.closes = False
        self._u = heard.utterance
        self._said = heard.utterance.understanding

    def read(self, opened: str | None, rules: ListeningRules) -> None:
        orders = is_order(self.heard)
        by_officer = orders or self._by_officer()
        mark = self._said.exercise_mark if by_officer else None
        closes = mark == "close" or (by_officer and self._said.rollcall_mark == "close")
        if closes and self.follower.muster is not None:
            self.closes = True
            self.finish(self.heard.ended_at, "closed")
            return
        if self.follower.muster is not None and opened not in {None, self.follower.drill_id}:
            self.finish(self.heard.began_at, "superseded")
        plays = mark == "marker" and (orders or _PLAYED.search(self._u.text) is not None)
        if self.follower.muster is None and (mark == "open" or plays):
            self._open(opened or rules.new_id())
        if self.follower.muster is None:
            return
        if self.heard.lost_audio:
            self._obstruct("audio_lost")
        if self.heard.emergency:
            self._pause()
        elif by_officer and (orders or mark is not None or self._u.by_command):
            self._direct(orders=orders)
        elif self.heard.sound is not SoundClass.SPEECH or not self.follower.paused:
            self._listen()

    def finish(self, at: datetime, ended: Ended) -> None:
        """Settle the drill and tell it."""
        self.changes += self.follower.ended(at, ended)
        self.follower = DrillFollower(radio_id=self.follower.radio_id)

    def _by_officer(self) -> bool:
        caller = self._said.caller
        named_unit = caller.kind == "unit" and caller.status == "matched"
        return not named_unit and self._said.callee.kind != "command"

    def _update(self, **changes: object) -> None:
        self.follower = self.follower.model_copy(update=changes)

    def _muster(self) -> Muster:
        assert self.follower.muster is not None
        return self.follower.muster

    def _obstruct(self, reason: str) -> None:
        self._update(muster=self._muster().obstructed(reason))

    def _tell(self, member: Member, moved: DrillMoved) -> None:
        muster, member = self._muster().published(member)
        self._update(muster=muster, moved_at=self.heard.ended_at)
        self.changes.append(TellDrill("arrived", muster, member, moved))

    # --- the officer

    def _open(self, drill_id: str) -> None:
        muster = Muster(
            drill_id=drill_id,
            radio=self.follower.radio_id,
            mode="listened",
            started_at=self.heard.began_at,
            opened_by=self._u.transmission_id,
            **self._scenario(),
        )
        self.follower = DrillFollower(
            radio_id=self.follower.radio_id, muster=muster, moved_at=self.heard.ended_at
        )
        self.changes.append(TellDrill("started", muster))

    def _scenario(self) -> dict[str, str]:
        played = _PLAYED.search(self._u.text)
        if played is None:
            return {}
        place = self._said.incident.location_text or ""
        return {"scenario_label": "模拟", "scenario_text": played["what"].strip(",. "), "place": place}

    def _pause(self) -> None:
        self._obstruct("emergency")
        if not self.follower.paused:
            muster = self._muster()
            self._update(paused=True, muster=muster.with_(pauses=muster.pauses + 1))

    def _direct(self, *, orders: bool) -> None:
        """An officer speaks: a pause is over, a scenario is told, units are sent."""
        self._update(paused=False, moved_at=self.heard.ended_at)
        if not self._muster().scenario_text:
            self._update(muster=self._muster().with_(**self._scenario()))
        if not orders:
            return
        order = CallMade(began_at=self.heard.began_at, ended_at=self.heard.ended_at)
        self._update(order=order, others=means_others(self._u.text))
        for unit_id, name in self.heard.ordered:
            member = self._muster().members.get(unit_id) or self._new(unit_id, name)
            if not member.is_there:
                self._tell(member.with_(orders=(*member.orders, order)), "ordered")

    def _new(self, unit_id: str, name: str, *, unnamed: bool = False) -> Member:
        members = self._muster().members
        point = next((one.unit_id for one in members.values() if one.role == "point"), None)
        role: DrillRole = "line"
        if point is None and not members and not unnamed:
            role, point = "point", unit_id
        elif _MUSTERS.search(self._u.text) and not unnamed:
            role = "area"
        return Member(unit_id=unit_id, name=name, role=role, line=point or unit_id, limit_s=LIMITS_S[role])

    # --- the units

    def _listen(self) -> None:
        heard = understood_of(self.heard, paused=False)
        if heard.hides is not None:
            self._obstruct(heard.hides)
        elif heard.unit_id is not None:
            self._report(heard.unit_id, heard.reply, heard.position, answers=heard.answers)
        elif self.follower.order is not None:
            self._somebody(heard.reply, heard.candidates, heard.position, answers=heard.answers)

    def _report(self, unit_id: str, reply: Reply, position: str | None, *, answers: bool) -> None:
        steps, doubts = steps_of(self._u.acts)
        known = self._muster().members.get(unit_id)
        if self.follower.order is None or (known is None and not self._joins(steps, answers=answers)):
            return
        if "say_again" in self._u.acts and not steps:
            return
        member = known or self._new(unit_id, self._said.caller.name or "", unnamed=True).with_(
            orders=(self.follower.order,)
        )
        self._take(member, reply, (*doubts,), position)

    def _joins(self, steps: tuple[str, ...], *, answers: bool) -> bool:
        """Whether a unit that no order named takes part: it comes, or all were meant and it answers."""
        return bool(_COMES.intersection(steps)) or (self.follower.others and answers)

    def _somebody(
        self, reply: Reply, candidates: tuple[str, ...], position: str | None, *, answers: bool
    ) -> None:
        muster = self._muster()
        pending = {one.unit_id: one for one in muster.pending}
        possible = [pending[unit_id] for unit_id in candidates if unit_id in pending]
        for member in possible:
            self._tell(member.unreadable(reply, "caller_ambiguous"), "reported")
        if possible:
            return
        only = next(iter(pending.values())) if len(pending) == 1 and not self.follower.others else None
        if only is not None and answers:
            self._take(only, reply, (*steps_of(self._u.acts)[1], "caller_not_named"), position)
        elif only is not None and not reply.readable:
            self._tell(only.unreadable(reply, "unreadable"), "reported")
        elif answers or not reply.readable:
            obstructed = muster.obstructed("stray_reply", reply.began_at)
            self._update(muster=obstructed.with_(stray_replies=obstructed.stray_replies + 1))

    def _take(self, member: Member, reply: Reply, doubts: tuple[str, ...], position: str | None) -> None:
        steps = steps_of(self._u.acts)[0]
        noted = reply.model_copy(update={"review_reasons": (*reply.review_reasons, *doubts)})
        after = member.reported(noted, steps, position)
        self.takes_report = True
        if after == member:
            return
        new = [step for step in ("acknowledged", *steps) if step not in member.steps]
        moved: DrillMoved = "reported"
        for step in new:
            moved = step
        self._tell(after, moved)
