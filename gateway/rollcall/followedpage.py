"""One transmission heard in a roll-call by voice: whose answer it is, and what it may have hidden. Pure."""

from datetime import datetime
from typing import TYPE_CHECKING, Final

from gateway.events import Model, RollcallOutcome
from gateway.model import Resolution, SoundClass
from gateway.rollcall.overheard import ListeningRules, Overheard, RollcallChange, Verb
from gateway.rollcall.sheet import CallMade, Item, Reply, Sheet, report_elements
from gateway.understand.standin import STANDS_IN

if TYPE_CHECKING:
    from gateway.rollcall.listening import Follower

CALLING: Final = frozenset({"hail", "ask_headcount"})
CONTENT: Final = frozenset({"present", "all_normal"})
_ANSWERING: Final = CONTENT | {"ack_received", "ack_wilco", "arrived", "ready", "equipment", "await_orders"}
_HIDING_S: Final = 1.0
"""Noise or a tone of this length may have hidden an answer."""


class Turn(Model):
    """Who was called last. `unit_id` is None when that could not be told; then `candidates` may say who."""

    unit_id: str | None
    candidates: tuple[str, ...] = ()
    call: CallMade


class Page:
    """One transmission meeting one follower; collects what changes."""

    def __init__(self, follower: "Follower", heard: Overheard, rules: ListeningRules) -> None:
        self.follower = follower
        self.heard = heard
        self.rules = rules
        self.changes: list[RollcallChange] = []
        self.rollcall_id: str | None = None
        self.takes_answer = False
        self._u = heard.utterance
        self._said = heard.utterance.understanding

    def _by_officer(self) -> bool:
        """Whether this may be the officer: no unit named itself, and the command post was not called."""
        caller = self._said.caller
        named_unit = caller.kind == "unit" and caller.status == "matched"
        return not named_unit and self._said.callee.kind != "command"

    def _update(self, **changes: object) -> None:
        self.follower = self.follower.model_copy(update=changes)

    def _say(self, verb: Verb, item: Item | None = None) -> None:
        assert self.follower.sheet is not None
        self.changes.append(RollcallChange(verb, self.follower.sheet, item))

    def _belongs(self) -> None:
        assert self.follower.sheet is not None
        self.rollcall_id = self.follower.sheet.rollcall_id
        self._update(moved_at=self.heard.ended_at)

    def _sheet(self) -> Sheet:
        assert self.follower.sheet is not None
        return self.follower.sheet

    # --- what may have hidden an answer

    def _note_deafness(self, before: datetime) -> None:
        past = [at for at in self.follower.deaf_at if at <= before]
        if past:
            self._obstruct("gateway_deaf")
            self._update(deaf_at=tuple(at for at in self.follower.deaf_at if at > before))

    def _obstruct(self, reason: str) -> None:
        sheet, turn = self.follower.sheet, self.follower.turn
        if sheet is not None and turn is not None and turn.unit_id is not None:
            self._update(sheet=sheet.obstructed(turn.unit_id, reason))

    def _hear_no_words(self) -> None:
        """Somebody keyed up, or something drowned the channel, while a unit had its turn."""
        length_s = (self.heard.ended_at - self.heard.began_at).total_seconds()
        if self.heard.failed or self.heard.sound is SoundClass.KERCHUNK:
            self._unreadable()
        elif length_s >= _HIDING_S:
            self._obstruct("channel_busy")

    def _unreadable(self) -> None:
        turn = self.follower.turn
        if turn is not None and turn.unit_id is not None and self._in_turn(turn):
            self._take(turn.unit_id, self._reply("unreadable", readable=False), "unreadable")

    # --- answers

    def _answer(self) -> None:
        caller = self._said.caller
        if caller.kind == "unit" and caller.status == "matched" and caller.unit_id is not None:
            self._answer_by(caller.unit_id, caller)
        elif STANDS_IN in self._u.acts:
            self._answer_by_a_stranger()
        elif caller.kind == "unit" and caller.status == "ambiguous":
            self._answer_by_one_of(tuple(one.unit_id for one in caller.candidates))
        elif not self.heard.told_incident and not self.follower.paused:
            self._answer_by_nobody()

    def _answer_by(self, unit_id: str, caller: Resolution) -> None:
        turn, callee = self.follower.turn, self._said.callee
        sheet = self._sheet()
        if self.heard.told_incident and not self._tells_of_duty():
            return
        stands_in = callee.kind == "unit" and callee.unit_id is not None and callee.unit_id != unit_id
        if stands_in and callee.unit_id in sheet.items and not self._u.acts & CALLING:
            assert callee.unit_id is not None
            reply = self._reply("answered_by_other")
            self._take(callee.unit_id, reply, "answered_by_other", by=unit_id)
            return
        if STANDS_IN in self._u.acts:
            if turn is not None and turn.unit_id not in {None, unit_id} and self._in_turn(turn):
                assert turn.unit_id is not None
                reply = self._reply("stood_in_for_whom")
                self._take(turn.unit_id, reply, "answered_by_other", by=unit_id)
            return
        expected = unit_id in sheet.items or (turn is not None and unit_id in turn.candidates)
        if self.follower.paused and not self._tells_of_duty():
            return
        if not expected and not self._answers():
            return
        reply = self._reply()
        misheard = turn if turn is not None and turn.unit_id is None and self._in_turn(turn) else None
        fits = misheard is not None and unit_id in (misheard.candidates or (unit_id,))
        if misheard is not None and fits and unit_id not in sheet.items:
            reply = self._reply("call_misheard")
            called, item = sheet.called(unit_id, caller.name or "", misheard.call)
            self._update(sheet=called, turn=Turn(unit_id=unit_id, call=misheard.call))
            self._say("called", item)
        late = self._is_late(unit_id)
        self._take(unit_id, reply, "answered_late" if late else "answered", name=caller.name or "")

    def _answer_by_a_stranger(self) -> None:
        """Somebody who did not say who he is answers for a unit."""
        callee = self._said.callee
        if callee.unit_id is not None and callee.unit_id in self._sheet().items:
            self._take(callee.unit_id, self._reply("caller_not_named"), "answered_by_other")

    def _answer_by_one_of(self, candidates: tuple[str, ...]) -> None:
        """Two names fit: the one whose turn it is spoke; otherwise a person has to tell."""
        turn, sheet = self.follower.turn, self._sheet()
        if self.heard.told_incident or self.follower.paused:
            return
        if turn is not None and turn.unit_id in candidates and self._in_turn(turn):
            assert turn.unit_id is not None
            self._take(turn.unit_id, self._reply("caller_ambiguous"))
            return
        if not self._answers():
            return
        self._stray()
        # The name may well have been misheard: it was as likely the unit whose turn it was.
        waited_for = (turn.unit_id,) if turn is not None and self._in_turn(turn) else ()
        for unit_id in (*candidates, *waited_for):
            if unit_id in sheet.items and not sheet.items[unit_id].has_answered:
                self._take(unit_id, self._reply("caller_ambiguous", readable=False), "unreadable")
        self.takes_answer = True

    def _answer_by_nobody(self) -> None:
        turn = self.follower.turn
        if turn is None or not self._in_turn(turn):
            return
        if turn.unit_id is None:
            if self._answers():
                self._stray()
            return
        if self._answers():
            self._take(turn.unit_id, self._reply("caller_not_named"))
        elif not self._sheet().item(turn.unit_id).has_answered:
            self._unreadable()

    def _stray(self) -> None:
        sheet = self._sheet()
        self._belongs()
        self._update(sheet=sheet.with_(stray_replies=sheet.stray_replies + 1))

    def _in_turn(self, turn: Turn) -> bool:
        waited_s = (self.heard.began_at - turn.call.ended_at).total_seconds()
        return waited_s <= self.rules.unnamed_within_s

    def _is_late(self, unit_id: str) -> bool:
        """Whether somebody else has been called since the unit was."""
        turn, item = self.follower.turn, self._sheet().items.get(unit_id)
        if item is None or not item.calls or turn is None:
            return False
        return turn.unit_id != unit_id and turn.call.ended_at <= self.heard.began_at

    def _answers(self) -> bool:
        return bool(self._u.acts & _ANSWERING) or self._said.headcount.present is not None

    def _tells_of_duty(self) -> bool:
        return bool(self._u.acts & CONTENT) or self._said.headcount.present is not None

    def _take(
        self,
        unit_id: str,
        reply: Reply,
        outcome: RollcallOutcome = "answered",
        *,
        name: str = "",
        by: str | None = None,
    ) -> None:
        """Put an answer on the sheet; say so only if it told something new."""
        before = self._sheet().item(unit_id, name)
        after = before.answered(reply, outcome, by=by)
        self._belongs()
        self.takes_answer = outcome != "unreadable"
        if after == before:
            return
        sheet, item = self._sheet().published(after)
        self._update(sheet=sheet)
        self._say("answered", item)

    def _reply(self, *reasons: str, readable: bool = True) -> Reply:
        said, acts = self._said, self._u.acts
        others = [
            name
            for name, told in (
                ("equipment", "equipment" in acts),
                ("position", said.incident.location_text is not None),
            )
            if told
        ]
        counted = said.headcount.present is not None
        normal = "all_normal" in acts
        return Reply(
            transmission_id=self._u.transmission_id,
            began_at=self.heard.began_at,
            ended_at=self.heard.ended_at,
            readable=readable,
            text=self._u.text,
            confidence=self._u.confidence,
            present=said.headcount.present if readable else None,
            expected=said.headcount.expected if readable else None,
            all_normal=True if normal and readable else None,
            report=report_elements(
                named=self._u.unit_id is not None, headcount=counted, normal=normal, others=others
            )
            if readable
            else {},
            review_reasons=(*reasons, *(said.review_reasons if readable else ())),
            corrects="correction" in acts,
        )
