"""Registered names that would be taken for one another on a noisy channel, and what to do about it. Pure.

Theory of operation. Of every phone it was measured at 12 dB in which share of its occurrences each other one
comes so near that a name could not be told by it (`PhoneConfusions`, tools/measure_confusions.py). Two names
laid side by side are not told apart when that happens at every phone in which they differ: the product of the
shares, taken over the alignment in which it is greatest. Names so alike are found among thousands by
*signatures*: syllables that merge in southern speech counted as one, and any one syllable left open.
"""

import json
import math
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from gateway.model import Unit
from gateway.understand.names import Form, bare_name, unit_forms
from gateway.understand.normalise import normalise
from gateway.understand.phones import pronunciations
from gateway.understand.pinyin import syllables, symbol_costs
from gateway.understand.registry import Registry

LEAD_NATS: Final = 2.0
"""How far the right name must lead to be named: a score of 0.9 at what a nat of the phone head is worth."""
_UNSAID: Final = 0.1
"""A phone more at the end of a name is worth as much as that lead; this is how often it is not heard."""
_MERGED: Final = 0.09
_CALLSIGN_DIGITS: Final = 3
_RADIO_DIGITS: Final = "洞幺两三四五六拐八勾"

Phones = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class PhoneConfusions:
    """In which share of the occurrences of phone p phone q comes within LEAD_NATS of it: `near[p][q]`.

    `skipped` is how often nothing at all does, `snr_db` the channel it was measured on.
    """

    phones: tuple[str, ...]
    near: tuple[tuple[float, ...], ...]
    skipped: float
    snr_db: float

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what tools/measure_confusions.py wrote."""
        table = json.loads(text)
        near = tuple(tuple(map(float, row)) for row in table["near"])
        return cls(tuple(table["phones"]), near, float(table["skipped"]), float(table["snr_db"]))


@dataclass(frozen=True, slots=True)
class ConfusablePair:
    """Two units, their names most alike, and in which share of noisy calls they are not told apart.

    `advice` says what would part them, in words for the person at the registry.
    """

    unit_id: str
    other_id: str
    name: str
    other_name: str
    fails: float
    advice: str


class Confusable:
    """Judges names by one table of confusions."""

    def __init__(self, confusions: PhoneConfusions) -> None:
        """Take the table as it was measured."""
        self._confusions = confusions
        self._column = {phone: at for at, phone in enumerate(confusions.phones)}
        self._said: dict[str, list[Phones]] = {}

    def pairs(self, registry: Registry, least: float = 0.05) -> tuple[ConfusablePair, ...]:
        """Pairs of units not told apart in at least this share of calls, worst first. Disabled ones left out.

        A unit is judged by every way to say it: name, alias, callsign.
        """
        units = {unit.unit_id: unit for unit in registry if unit.state != "disabled"}
        forms = [form for unit in units.values() for form in unit_forms(unit)]
        worst: dict[tuple[str, str], tuple[float, Form, Form]] = {}
        for one, other in _alike(forms):
            fails = max(self.fails(one.text, other.text), self.fails(other.text, one.text))
            first, second = sorted((one, other), key=lambda form: form.owner)
            key = first.owner, second.owner
            if fails >= least and (key not in worst or worst[key][0] < fails):
                worst[key] = fails, first, second
        ranked = sorted(worst.items(), key=lambda item: (-item[1][0], item[0]))
        free = _free_callsigns(units.values())
        return tuple(
            ConfusablePair(
                *key, first.text, second.text, round(fails, 3),
                self._advice(units[key[0]], units[key[1]], (first, second), least, free),
            )
            for key, (fails, first, second) in ranked
        )  # fmt: skip

    def fails(self, said: str, rival: str) -> float:
        """The share of calls in which `rival` comes too near when `said` was said; 1 for the same sounds."""
        return max(
            (
                self._share(here, there)
                for here in self._readings(said)
                for there in self._readings(rival)
            ),
            default=0.0,
        )  # fmt: skip

    def _readings(self, name: str) -> list[Phones]:
        """The ways to say `name` as columns; a number by itself is a callsign, said in radio digits only."""
        known = self._said.get(name)
        if known is None:
            spoken = pronunciations(name)[-1:] if name.isdigit() else pronunciations(name)
            known = [tuple(self._column[phone] for phone in phones) for phones in spoken]
            self._said[name] = known
        return known

    def _share(self, said: Phones, rival: Phones) -> float:
        """The greatest product of shares over all ways to lay `rival` on `said`."""
        near, skipped = self._confusions.near, self._confusions.skipped
        if len(said) == len(rival):
            return math.prod(near[p][q] for p, q in zip(said, rival, strict=True) if p != q)
        rows = [skipped**j for j in range(len(rival) + 1)]
        for i, phone in enumerate(said, 1):
            # what the longer name has before or after the shorter one is not missed there, only not counted
            row = [_UNSAID**i]
            for j, other in enumerate(rival, 1):
                unsaid = _UNSAID if j == len(rival) else skipped
                row.append(max(rows[j - 1] * near[phone][other], rows[j] * unsaid, row[j - 1] * skipped))
            rows = row
        return rows[-1]

    def _advice(
        self, one: Unit, other: Unit, forms: tuple[Form, Form], least: float, free: Iterator[str]
    ) -> str:
        if "callsign" in {form.kind for form in forms}:
            return f"give {other.unit_id} the callsign {next(free)} instead"
        if one.callsign and other.callsign:
            return f"on the air say {one.callsign} and {other.callsign}"
        for unit, rival in ((one, other), (other, one)):
            alias = f"{normalise(unit.street)}{bare_name(unit.name)}"
            if not unit.street or bare_name(unit.name).startswith(normalise(unit.street)):
                continue
            rivals = [form.text for form in unit_forms(rival)]
            if all(max(self.fails(alias, r), self.fails(r, alias)) < least for r in rivals):
                return f"call {unit.unit_id} {alias} and give it that alias"
        lacking = other if not other.callsign else one
        return f"give {lacking.unit_id} the callsign {next(free)}"


def _alike(forms: Iterable[Form]) -> Iterator[tuple[Form, Form]]:
    """Pairs of forms of different owners with all but one syllable alike, each once."""
    merged = _merged_symbols()
    groups: dict[tuple[int | None, ...], list[Form]] = defaultdict(list)
    whole: dict[tuple[int | None, ...], list[Form]] = defaultdict(list)
    for form in forms:
        codes: tuple[int | None, ...] = tuple(int(merged[code]) for code in syllables(form.text).codes)
        whole[codes].append(form)
        for at in range(len(codes)):
            groups[(*codes[:at], None, *codes[at + 1 :])].append(form)
    seen: set[tuple[Form, Form]] = set()

    def new(one: Form, other: Form) -> bool:
        pair = (one, other) if id(one) < id(other) else (other, one)
        if one.owner == other.owner or pair in seen:
            return False
        seen.add(pair)
        return True

    for group in groups.values():
        yield from (pair for pair in combinations(group, 2) if new(*pair))
    for signature, group in groups.items():
        shorter = whole.get(tuple(code for code in signature if code is not None), ())
        yield from ((one, other) for one in group for other in shorter if new(one, other))


def _merged_symbols() -> npt.NDArray[np.int64]:
    """For each symbol the first that many speakers say alike: zhang for zang, lin for ling."""
    near = symbol_costs() < _MERGED
    first = np.arange(len(near))
    for at in range(len(near)):
        first[at] = first[int(np.flatnonzero(near[at])[0])] if near[at].any() else at
    return first


def _free_callsigns(units: Iterable[Unit]) -> Iterator[str]:
    taken = {normalise(unit.callsign) for unit in units if unit.callsign}
    for number in range(1, 10**_CALLSIGN_DIGITS):
        digits = f"{number:0{_CALLSIGN_DIGITS}d}"
        if digits not in taken and len(set(digits)) == len(digits):
            yield "".join(_RADIO_DIGITS[int(digit)] for digit in digits)
