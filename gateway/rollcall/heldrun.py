"""What a roll-call and a drill that the gateway holds have in common: one step of their state machines. Pure.

Both are told the same happenings, say one thing at a time, try a key-up again that failed, and stand still
while they are paused.
"""

from abc import ABC, abstractmethod
from datetime import datetime, timedelta
from typing import Generic, Protocol, Self, TypeVar, assert_never

from gateway.rollcall.happenings import (
    Cancel,
    CarrierClosed,
    CarrierOpened,
    Deaf,
    Event,
    NotSaid,
    Pause,
    Resume,
    Said,
    Tick,
    Understood,
    Wake,
)


class HeldPlan(Protocol):
    """How often, and after how many seconds, a key-up that failed is tried again."""

    @property
    def busy_tries(self) -> int:
        """Tries in all."""

    @property
    def busy_retry_s(self) -> float:
        """Seconds between them."""


class HeldState(Protocol):
    """What both know. `saying` while a Say is not answered; `unread` counts what is not understood yet.

    `failures` counts key-ups that failed, `retry_at` is when the next is tried, `paused` why nothing is said.
    """

    @property
    def plan(self) -> HeldPlan:
        """What was planned."""

    @property
    def unread(self) -> int:
        """Transmissions that are over and not understood."""

    @property
    def carrier_open(self) -> bool:
        """Whether somebody is on the air."""

    @property
    def saying(self) -> bool:
        """Whether something is being said."""

    @property
    def failures(self) -> int:
        """Key-ups that failed, one after the other."""

    @property
    def retry_at(self) -> datetime | None:
        """When to try again, None when nothing failed."""

    @property
    def paused(self) -> str | None:
        """Why nothing is said, None when it goes on."""

    def model_copy(self, *, update: dict[str, object]) -> Self:
        """A copy with fields replaced."""


StateT = TypeVar("StateT", bound=HeldState)
ActionT = TypeVar("ActionT")


class HeldRun(ABC, Generic[StateT, ActionT]):
    """One step; collects the actions."""

    def __init__(self, state: StateT) -> None:
        self.state = state
        self._actions: list[ActionT | Wake] = []

    def outcome(self) -> tuple[StateT, tuple[ActionT | Wake, ...]]:
        """The new state, and what is to be done."""
        return self.state, tuple(self._actions)

    def update(self, **changes: object) -> None:
        """Replace fields of the state."""
        self.state = self.state.model_copy(update=changes)

    def take(self, event: Event) -> None:
        """Take one thing that happened."""
        match event:
            case CarrierOpened():
                self.update(carrier_open=True)
            case CarrierClosed():
                self.update(carrier_open=False, unread=self.state.unread + 1)
            case Understood():
                self.update(unread=max(0, self.state.unread - 1))
                self._hear(event)
            case Said() | NotSaid():
                self._end_saying(event)
            case Deaf():
                self.obstruct(event.reason)
            case Tick():
                self._tick(event.at)
            case Pause() | Resume() | Cancel():
                self._obey(event)
            case _:
                assert_never(event)

    def _end_saying(self, event: Said | NotSaid) -> None:
        if not self.state.saying:
            return
        if isinstance(event, Said):
            self.update(saying=False, failures=0)
            self._was_said(event)
        else:
            self._was_not_said(event)

    def _obey(self, event: Pause | Resume | Cancel) -> None:
        match event:
            case Pause():
                self._pause(event.reason)
            case Resume():
                if self.state.paused is not None:
                    self.update(paused=None)
                    self.again(event.at)
            case Cancel():
                self._finish(event.at, cancelled=True)

    def _was_not_said(self, event: NotSaid) -> None:
        failures = self.state.failures + 1
        self.update(saying=False, failures=failures)
        if failures < self.state.plan.busy_tries:
            retry_at = event.at + timedelta(seconds=self.state.plan.busy_retry_s)
            self.update(retry_at=retry_at)
            if self.state.paused is None:
                self._actions.append(Wake(retry_at))
        else:
            self.update(failures=0)
            self._skip(event)

    def _tick(self, at: datetime) -> None:
        state = self.state
        if state.paused is not None or state.saying:
            return
        if state.retry_at is None:
            self._look(at)
        elif at >= state.retry_at:
            self._try_again(at)
        else:
            self._actions.append(Wake(state.retry_at))

    @abstractmethod
    def again(self, at: datetime) -> None:
        """Go on after a stretch that was not heard."""

    @abstractmethod
    def obstruct(self, reason: str) -> None:
        """Note that silence now proves nothing."""

    @abstractmethod
    def _hear(self, heard: Understood) -> None: ...

    @abstractmethod
    def _was_said(self, said: Said) -> None: ...

    @abstractmethod
    def _skip(self, event: NotSaid) -> None: ...

    @abstractmethod
    def _try_again(self, at: datetime) -> None: ...

    def _wait_no_longer(self) -> None:
        """Give up on who is still on the air or not understood yet: silence proves nothing then."""
        self.obstruct("channel_busy" if self.state.carrier_open else "not_understood_in_time")
        self.update(carrier_open=False, unread=0)

    @abstractmethod
    def _look(self, at: datetime) -> None: ...

    @abstractmethod
    def _pause(self, reason: str) -> None: ...

    @abstractmethod
    def _finish(self, at: datetime, *, cancelled: bool) -> None: ...
