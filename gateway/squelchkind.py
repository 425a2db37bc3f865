"""What opens a squelch: `vox`, `carrier` and `rssi`, combined with `&`, `|`, `!` and parentheses. Pure.

`!` binds strongest, then `&`, then `|`. Each part says two things at any moment: whether it is enough to open
a closed squelch, and whether it is enough to hold an open one, which takes less. `!` turns the two around:
something is absent for sure only when it would not even hold.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Self

SENSES = ("vox", "carrier", "rssi")
"""The sound's level over the noise, the receiver's own squelch, and its field strength."""

Verdict = tuple[bool, bool]
"""Whether a closed squelch opens, whether an open one holds. The first implies the second."""

_TOKEN = re.compile(r"\s*(?:(?P<word>\w+)|(?P<sign>[&|!()])|(?P<strange>\S))")
_DEEPEST = 20


@dataclass(frozen=True, slots=True)
class _Sense:
    name: str

    def judge(self, senses: Mapping[str, Verdict]) -> Verdict:
        return senses[self.name]


@dataclass(frozen=True, slots=True)
class _Not:
    part: "_Node"

    def judge(self, senses: Mapping[str, Verdict]) -> Verdict:
        opens, holds = self.part.judge(senses)
        return not holds, not opens


@dataclass(frozen=True, slots=True)
class _All:
    parts: tuple["_Node", ...]

    def judge(self, senses: Mapping[str, Verdict]) -> Verdict:
        verdicts = [part.judge(senses) for part in self.parts]
        return all(opens for opens, _ in verdicts), all(holds for _, holds in verdicts)


@dataclass(frozen=True, slots=True)
class _Any:
    parts: tuple["_Node", ...]

    def judge(self, senses: Mapping[str, Verdict]) -> Verdict:
        verdicts = [part.judge(senses) for part in self.parts]
        return any(opens for opens, _ in verdicts), any(holds for _, holds in verdicts)


_Node = _Sense | _Not | _All | _Any


@dataclass(frozen=True, slots=True)
class SquelchKind:
    """A parsed expression; made by `parse`. Equal when their text is."""

    text: str
    senses: frozenset[str] = field(compare=False)
    """The senses it names."""
    _root: _Node = field(compare=False, repr=False)

    VOX: ClassVar["SquelchKind"]
    CARRIER: ClassVar["SquelchKind"]
    BOTH: ClassVar["SquelchKind"]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read an expression. Raises ValueError with a sentence that names the place of the first fault."""
        reader = _Reader(text)
        root = reader.whole()
        return cls(" ".join(text.split()), frozenset(reader.seen), root)

    def judge(self, senses: Mapping[str, Verdict]) -> Verdict:
        """Say whether this opens and whether it holds, given each of its senses."""
        return self._root.judge(senses)

    def __str__(self) -> str:
        return self.text


class _Reader:
    """A recursive-descent parser over at most a few dozen tokens."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = _tokens(text)
        self._word, self._at = next(self._tokens)
        self._depth = 0
        self.seen: set[str] = set()

    def whole(self) -> _Node:
        node = self._any()
        if self._word:
            raise self._wrong("expected & or |, or the end")
        return node

    def _any(self) -> _Node:
        parts = [self._all()]
        while self._take("|"):
            parts.append(self._all())
        return parts[0] if len(parts) == 1 else _Any(tuple(parts))

    def _all(self) -> _Node:
        parts = [self._one()]
        while self._take("&"):
            parts.append(self._one())
        return parts[0] if len(parts) == 1 else _All(tuple(parts))

    def _one(self) -> _Node:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise self._wrong(f"nested deeper than {_DEEPEST}")
        node = self._bare()
        self._depth -= 1
        return node

    def _bare(self) -> _Node:
        if self._take("!"):
            return _Not(self._one())
        if self._take("("):
            node = self._any()
            if not self._take(")"):
                raise self._wrong("expected )")
            return node
        if self._word not in SENSES:
            raise self._wrong(f"expected {', '.join(SENSES[:-1])} or {SENSES[-1]}")
        name = self._word
        self.seen.add(name)
        self._next()
        return _Sense(name)

    def _take(self, sign: str) -> bool:
        if self._word != sign:
            return False
        self._next()
        return True

    def _next(self) -> None:
        self._word, self._at = next(self._tokens)

    def _wrong(self, expected: str) -> ValueError:
        found = f"{self._word!r} at character {self._at + 1}" if self._word else "the end"
        return ValueError(f"{self._text!r} is no squelch: {expected}, found {found}")


def _tokens(text: str) -> Iterator[tuple[str, int]]:
    """Yield each token and where it stands; at last, for ever, an empty one at the end."""
    for match in _TOKEN.finditer(text):
        yield match[0].strip(), match.end() - len(match[0].strip())
    while True:
        yield "", len(text)


SquelchKind.VOX = SquelchKind.parse("vox")
SquelchKind.CARRIER = SquelchKind.parse("carrier")
SquelchKind.BOTH = SquelchKind.parse("vox & carrier")
