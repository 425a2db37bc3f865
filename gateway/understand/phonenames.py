"""Registered names heard by the phone head: who was named, when, and how surely.

Every form of a name (names.py) is searched in the audio's phones in each of its readings. What is found is
placed among the syllables of the phone head's own reading of the call (phonereading.py), so that the same
rules of call order tell callers and callees there as in the recogniser's text. The command post's names take
part, so that a unit that only sounds like the post (中信 in 指挥中心) loses the stretch to it.
"""

import bisect
from collections.abc import Iterable

from gateway.model import PhoneEvidence
from gateway.understand.names import Form, Occurrence
from gateway.understand.phonereading import PhoneReading
from gateway.understand.phones import pronunciations
from gateway.understand.phonesearch import PhoneHit, PhoneIndex
from gateway.understand.pinyin import Syllables
from gateway.understand.rolewords import Mark, RoleWords

_PHONES_PER_SYLLABLE = 2
_LEAST_PHONES = 4
_CLEARER_NATS = 0.3


class PhoneNames:
    """The forms of one registry ready to be heard. Immutable once built; safe to share between threads."""

    def __init__(self, forms: Iterable[Form], always: Iterable[Form] = (), credit_nats: float = 2.0) -> None:
        """Index `forms`; `always` (the command post, the common suffix) are looked for in every search.

        `credit_nats` is what one phone heard without a doubt is worth. Forms of a single syllable are left to
        other evidence.
        """
        spoken = [_readings(form) for form in always]
        self._credit = credit_nats
        fixed = sum(map(len, spoken))
        spoken += [_readings(form) for form in forms]
        self._forms = tuple(form for readings in spoken for form, _ in readings)
        phrases = [phones for readings in spoken for _, phones in readings]
        self._index = PhoneIndex(phrases, always=fixed)

    def hear(
        self, evidence: PhoneEvidence, reading: PhoneReading, said: Syllables, least_gain: float
    ) -> list[Occurrence]:
        """Where forms were heard, best first, placed among the syllables `said` of the `reading`.

        Gains are about one per syllable heard well, as those of a search in text are, so that call order can
        be read from either. A form may occur twice where the stretches do not overlap.
        """
        middles = _middles(reading, said)
        found: list[Occurrence] = []
        for hit in self._index.search(evidence, occurrences=2):
            gain = (hit.phones - hit.cost_nats / self._credit) / _PHONES_PER_SYLLABLE
            start, end = _place(hit, middles)
            if gain >= least_gain and start < end:
                most = hit.phones / _PHONES_PER_SYLLABLE
                found.append(Occurrence(self._forms[hit.entry], start, end, gain, most, exact=False))
        return sorted(found, key=lambda o: (-o.gain, o.start, o.form.owner))


def _readings(form: Form) -> list[tuple[Form, tuple[str, ...]]]:
    return [(form, phones) for phones in pronunciations(form.text) if len(phones) >= _LEAST_PHONES]


class PhoneMarks:
    """The role words ready to be heard, so that a caller is told even where the reading garbles 我是."""

    def __init__(self, words: RoleWords, most_per_phone: float) -> None:
        """Index the words of two syllables and more; what costs more than `most_per_phone` is not there."""
        spoken = [
            (kind, phones)
            for kind, listed in words.by_kind()
            for word in listed
            for phones in pronunciations(word)
            if len(phones) >= _LEAST_PHONES - 1
        ]
        self._kinds = tuple(kind for kind, _ in spoken)
        self._most_per_phone = most_per_phone
        self._index = PhoneIndex([phones for _, phones in spoken], always=len(spoken))

    def find(self, evidence: PhoneEvidence, reading: PhoneReading, said: Syllables) -> tuple[Mark, ...]:
        """The marks heard, placed among the syllables `said` of the `reading`."""
        middles = _middles(reading, said)
        hits = self._index.search(evidence, occurrences=3, most_per_phone=self._most_per_phone)
        hits = tuple(hit for hit in hits if not any(_drowns(other, hit) for other in hits))
        placed = [(self._kinds[hit.entry], *_place(hit, middles)) for hit in hits]
        return tuple(Mark(kind, start, end) for kind, start, end in placed if start < end)


def _drowns(other: PhoneHit, hit: PhoneHit) -> bool:
    """Whether another word was heard so much better on the same stretch that this one was not said."""
    shorter_s = min(hit.end_s - hit.start_s, other.end_s - other.start_s)
    return (
        2 * hit.shared_s(other.start_s, other.end_s) > shorter_s
        and other.per_phone + _CLEARER_NATS < hit.per_phone
    )


def _middles(reading: PhoneReading, said: Syllables) -> list[float]:
    return [sum(reading.times[start]) / 2 for start, _ in said.spans]


def _place(hit: PhoneHit, middles: list[float]) -> tuple[int, int]:
    return bisect.bisect_left(middles, hit.start_s), bisect.bisect_right(middles, hit.end_s)
