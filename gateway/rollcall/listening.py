"""A roll-call that an officer holds by voice, followed without keying up. Pure.

One `Follower` stands next to each radio's conversation. "现在开始点名" opens a sheet, each call of a unit and
each answer goes on it, "点名结束" settles it:

- a unit that names itself answers for itself, whenever it speaks: in its turn, late, twice, or unasked;
- an answer that names nobody is the unit's that was called last, if it comes within `unnamed_within_s`;
- speech in a unit's turn that cannot be understood makes it `unreadable`, for a person to hear;
- what may have hidden an answer (noise, lost audio, a fault, an emergency) is put on the call, and silence
  after a call that has it does not count;
- an incident that is reported meanwhile pauses the roll-call until the officer calls the next unit. Orders
  of those days, such as 收到,正在前往, are then the incident's and no answers.

Where it cannot be told which unit was called, nobody gets the answer and the sheet counts it.
"""

import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from gateway.events import Model, Timestamp
from gateway.model import SoundClass
from gateway.rollcall.drilllistening import DrillFollower
from gateway.rollcall.followedpage import CALLING, CONTENT, Page, Turn
from gateway.rollcall.happenings import TellDrill
from gateway.rollcall.overheard import ListeningRules, Overheard, RollcallChange
from gateway.rollcall.sheet import CallMade, Ended, Sheet

_SETTLING: Final = frozenset({"ack_received", "ack_wilco", "promise"})
_BARE_HAIL_CHARS: Final = 10
"""听到请回答 alone, without room for another name: the same unit again."""

MOST_DEAF_TIMES: Final = 50
"""A device that is gone is tried again and again, and each time is told."""


@dataclass(frozen=True, slots=True)
class Followed:
    """A follower after a transmission. `rollcall_id` when the transmission was part of a roll-call.

    `takes_answer` when it counts as an answer, and so is no check-in of its own. `drill_id` is the drill that
    it was heard in, None while a real incident interrupts that.
    """

    follower: "Follower"
    changes: tuple[RollcallChange | TellDrill, ...] = ()
    rollcall_id: str | None = None
    takes_answer: bool = False
    drill_id: str | None = None


class Follower(Model):
    """One radio's roll-call by voice, or none. Immutable; its JSON survives a restart.

    `drill` is the drill (拉动) that goes on, with the roll-call of its opening phrase or by itself.
    """

    radio_id: str
    sheet: Sheet | None = None
    drill: DrillFollower | None = None
    turn: Turn | None = None
    paused: bool = False
    opened_at: Timestamp | None = None
    moved_at: Timestamp | None = None
    deaf_at: tuple[Timestamp, ...] = ()

    def hear(self, heard: Overheard, rules: ListeningRules) -> Followed:
        """Take in one transmission. Never raises, whatever was understood."""
        page = _Page(self, heard, rules)
        page.read()
        sheet = page.follower.sheet
        opened = sheet.rollcall_id if sheet is not None and sheet.kind == "drill" else None
        drilled = (self.drill or DrillFollower(radio_id=self.radio_id)).hear(heard, rules, opened)
        drill = drilled.follower if drilled.follower.muster is not None else None
        follower = page.follower.model_copy(update={"drill": drill})
        takes = page.takes_answer or drilled.takes_report
        changes: tuple[RollcallChange | TellDrill, ...] = (*page.changes, *drilled.changes)
        return Followed(follower, changes, page.rollcall_id, takes, drilled.drill_id)

    def could_not_hear(self, at: datetime) -> "Follower":
        """Note that the radio was not heard at `at`: an answer may have been missed there."""
        if self.sheet is None and self.drill is None:
            return self
        drill = self.drill.could_not_hear() if self.drill is not None else None
        deaf_at = (*self.deaf_at[-MOST_DEAF_TIMES:], at) if self.sheet is not None else ()
        return self.model_copy(update={"deaf_at": deaf_at, "drill": drill})

    def taken_up_again(self) -> "Follower":
        """As a new process finds it: what was on the air meanwhile was not heard."""
        moved = self.moved_at or (self.drill.moved_at if self.drill is not None else None)
        return self if moved is None else self.could_not_hear(moved)

    def let_go(self, now: datetime, rules: ListeningRules) -> Followed:
        """End a roll-call that nobody has gone on with for so long that nobody will; else change nothing."""
        sheet, moved = self.sheet, self.moved_at
        if self.drill is not None and self.drill.has_fallen_silent(now, rules):
            ended = self.drill.ended(self.drill.moved_at or now, "fell_silent")
            rest = self.model_copy(update={"drill": None}).let_go(now, rules)
            return replace(rest, changes=(*rest.changes, *ended))
        if sheet is None or moved is None or now - moved <= timedelta(seconds=rules.forget_s):
            return Followed(self)
        if self.turn is not None and self.turn.unit_id is not None and any(at <= now for at in self.deaf_at):
            sheet = sheet.obstructed(self.turn.unit_id, "gateway_deaf")
        return _ended(self.radio_id, sheet, moved, "fell_silent")

    def cancel(self, at: datetime) -> Followed:
        """End the roll-call at a person's wish; nothing when there is none."""
        drilled: tuple[TellDrill, ...] = ()
        if self.drill is not None:
            drilled = self.drill.ended(at, "cancelled")
        if self.sheet is None:
            return Followed(self.model_copy(update={"drill": None}), drilled)
        ended = _ended(self.radio_id, self.sheet, at, "cancelled")
        return replace(ended, changes=(*ended.changes, *drilled))

    def still_deaf_as(self, other: "Follower", *, since: "Follower") -> "Follower":
        """With the deafness that `other` has noted and `since` had not; both are earlier states of this."""
        follower = self
        for at in other.deaf_at:
            if at not in since.deaf_at:
                follower = follower.could_not_hear(at)
        return follower


def _ended(radio_id: str, sheet: Sheet, at: datetime, ended: Ended) -> Followed:
    settled, missed = sheet.settled(at, ended)
    changes: list[RollcallChange | TellDrill] = [RollcallChange("missed", settled, item) for item in missed]
    changes.append(RollcallChange("finished", settled))
    return Followed(Follower(radio_id=radio_id), tuple(changes), settled.rollcall_id)


class _Page(Page):
    """One transmission meeting one follower: roll-calls opened, called and closed."""

    def read(self) -> None:
        self._forget_what_fell_silent()
        mark = self._said.rollcall_mark if self._by_officer() else None
        if self.follower.sheet is not None:
            self._note_deafness(self.heard.began_at)
        if mark == "close" and self.follower.sheet is not None:
            self._belongs()
            self._finish(self.heard.ended_at, "closed")
            return
        if mark == "open":
            self._open()
        if self.follower.sheet is None:
            return
        if self.heard.lost_audio:
            self._obstruct("audio_lost")
        if self.heard.emergency:
            self._pause()
        elif self.heard.sound is not SoundClass.SPEECH or self.heard.failed:
            self._hear_no_words()
        elif self._is_call():
            self._call()
        elif not self._u.by_command and mark != "open":
            self._answer()

    # --- opening, pausing and finishing

    def _open(self) -> None:
        sheet = self.follower.sheet
        at = self.heard.began_at
        if sheet is not None:
            announced = self.follower.opened_at
            again = announced is not None and (at - announced).total_seconds() <= self.rules.repeat_s
            if self.follower.paused or again or not sheet.items:
                self._update(paused=False, opened_at=at)
                self._belongs()
                return
            self._finish(at, "superseded")
        drill = self._said.exercise_mark in {"open", "marker"}
        opened = Sheet(
            rollcall_id=self.rules.new_id(),
            radio=self.follower.radio_id,
            kind="drill" if drill else "rollcall",
            mode="listened",
            started_at=at,
            opened_by=self._u.transmission_id,
        )
        self.follower = Follower(radio_id=self.follower.radio_id, sheet=opened, opened_at=at)
        self._belongs()
        self._say("started")

    def _pause(self) -> None:
        """Emergency first: who was called is not held to an answer, unless it was that unit that spoke."""
        sheet, turn = self.follower.sheet, self.follower.turn
        assert sheet is not None
        speaker = self._u.unit_id
        if speaker is not None and turn is not None and turn.unit_id == speaker:
            self._take(speaker, self._reply("reported_emergency"))
        else:
            self._obstruct("emergency")
        assert self.follower.sheet is not None
        if not self.follower.paused:
            self._update(paused=True, sheet=self.follower.sheet.with_(pauses=self.follower.sheet.pauses + 1))

    def _forget_what_fell_silent(self) -> None:
        moved = self.follower.moved_at
        if moved is None or self.follower.sheet is None:
            return
        if self.heard.began_at - moved > timedelta(seconds=self.rules.forget_s):
            self._note_deafness(self.heard.began_at)
            self._finish(moved, "fell_silent")

    def _finish(self, at: datetime, ended: Ended) -> None:
        assert self.follower.sheet is not None
        settled, missed = self.follower.sheet.settled(at, ended)
        self._update(sheet=settled)
        for item in missed:
            self._say("missed", item)
        self._say("finished")
        self.follower = Follower(radio_id=self.follower.radio_id)

    # --- calls

    def _is_call(self) -> bool:
        callee, acts = self._said.callee, self._u.acts
        if not self._by_officer() or callee.kind == "command" or self._said.incident.polarity == "report":
            return False
        if self.follower.paused and not acts & CALLING:
            return False
        if callee.status == "unknown":
            return "hail" in acts
        return bool(acts & CALLING) or not acts & (_SETTLING | CONTENT)

    def _call(self) -> None:
        sheet, callee = self.follower.sheet, self._said.callee
        assert sheet is not None
        call = CallMade(began_at=self.heard.began_at, ended_at=self.heard.ended_at)
        unit_id, name = callee.unit_id, callee.name or ""
        turn = self.follower.turn
        bare = callee.status == "unknown" and len(re.sub(r"[,.!? ]", "", self._u.text)) <= _BARE_HAIL_CHARS
        if bare and turn is not None and turn.unit_id is not None:
            unit_id, name = turn.unit_id, sheet.item(turn.unit_id).name
        self._update(paused=False)
        self._belongs()
        if unit_id is None:
            # The next answer may be to this call: silence after the one before it proves less now.
            self._obstruct("next_call_misheard")
            candidates = tuple(one.unit_id for one in callee.candidates)
            self._update(
                sheet=self._sheet().with_(misheard_calls=sheet.misheard_calls + 1),
                turn=Turn(unit_id=None, candidates=candidates, call=call),
            )
            return
        self._update(turn=Turn(unit_id=unit_id, call=call))
        if sheet.item(unit_id).has_answered:
            return
        called, item = sheet.called(unit_id, name, call)
        self._update(sheet=called)
        self._say("called", item)
