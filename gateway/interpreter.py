"""Who speaks and what is said in one radio's transmissions, with what the radio has said before in mind."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from gateway.conduct.radiorollcall import RadioRollcall
from gateway.listener import Heard
from gateway.model import SoundClass, Transmission, Understanding
from gateway.rollcall.drillhearing import names_in_order
from gateway.understand.conversation import Conversation, Rules
from gateway.understand.lexicon import Lexicon
from gateway.understand.resolve import Prior, Resolver
from gateway.understand.standin import STANDS_IN, stand_in, told_beside
from gateway.understand.together import names_apart, pieces
from gateway.understand.understand import understand

CALL_ANSWERED_WITHIN_S = 60.0
"""For this long after a unit was called it is the likely speaker of what comes next."""


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What the station knows when it listens; replaced as a whole when the registry changes."""

    resolver: Resolver
    lexicon: Lexicon
    rules: Rules


class Interpreter:
    """Understands one radio's calls in their order. Use from the asyncio loop.

    `streets` are the sub-districts that the radio serves, `knowledge` reads what the station knows now.
    """

    def __init__(self, streets: frozenset[str], knowledge: Callable[[], Knowledge]) -> None:
        self._streets = streets
        self._knowledge = knowledge
        self._last_call: tuple[str, datetime] | None = None

    @property
    def knowledge(self) -> Knowledge:
        """What the station knows now."""
        return self._knowledge()

    def understand(
        self, transmission: Transmission, heard: Heard, conversation: Conversation, rollcall: RadioRollcall
    ) -> Understanding:
        """Return who spoke to whom and what about, as this radio's conversation and roll-call make likely."""
        if heard.sound.sound_class is not SoundClass.SPEECH and not heard.signalling:
            return Understanding()
        knowledge = self._knowledge()
        prior = Prior(
            expected=rollcall.expected() or self._expected(transmission.started_at),
            streets=self._streets,
            signalled=tuple(
                f"{one.system}:{one.id}" for one in (*transmission.signalling, *heard.signalling)
            ),
        )
        parties = knowledge.resolver.resolve(heard.transcript.text, heard.transcript.phones, prior)
        instead = stand_in(heard.transcript.text, parties, knowledge.resolver, prior)
        context = conversation.context(transmission.started_at, knowledge.rules)
        if rollcall.in_drill:
            context = replace(context, exercise_open=True)
        meaning = understand(heard.transcript, instead or parties, context, knowledge.lexicon)
        stands_in = instead is not None or told_beside(meaning, rollcall.in_turn)
        return replace(meaning, acts=(*meaning.acts, STANDS_IN)) if stands_in else meaning

    def parts(
        self, transmission: Transmission, heard: Heard, rollcall: RadioRollcall
    ) -> tuple[Transmission, ...]:
        """Return the part of each of several that a drill waits for and that ran together; none for one."""
        expected = rollcall.expected() if rollcall.in_drill else frozenset()
        if not expected or heard.transcript.phones is None:
            return ()
        prior = Prior(expected=expected, streets=self._streets)
        resolver = self._knowledge().resolver
        caller = resolver.resolve(heard.transcript.text, heard.transcript.phones, prior).caller
        names = names_apart(caller, expected)
        return (
            tuple(transmission.between(*span) for span in pieces(transmission.audio, names)) if names else ()
        )

    def ordered(self, text: str, said: Understanding) -> tuple[tuple[str, str], ...]:
        """Return id and name of the units an officer's order names: call order alone finds one at most."""
        names = names_in_order(text)
        if not names:
            return ()
        resolver = self._knowledge().resolver
        named = [party for party in (said.callee, said.caller) if party.kind == "unit"]
        named += [resolver.resolve(f"{name},听到请回答").callee for name in names]
        return tuple({one.unit_id: one.name or "" for one in named if one.unit_id is not None}.items())

    def remember(self, transmission: Transmission, meaning: Understanding) -> None:
        """Note which unit was called, if one was: the next to speak is likely that one."""
        if meaning.callee.kind == "unit" and meaning.callee.unit_id is not None:
            self._last_call = (meaning.callee.unit_id, transmission.started_at)

    def clock_was_set(self, by: timedelta, since: datetime) -> None:
        """The wall clock was set: a call at `since` or later is as long ago as it was."""
        if self._last_call is not None and self._last_call[1] >= since:
            self._last_call = (self._last_call[0], self._last_call[1] + by)

    def _expected(self, at: datetime) -> frozenset[str]:
        if self._last_call is None:
            return frozenset()
        unit_id, called_at = self._last_call
        waited_s = (at - called_at).total_seconds()
        return frozenset({unit_id}) if 0 <= waited_s <= CALL_ANSWERED_WITHIN_S else frozenset()
