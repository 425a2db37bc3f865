"""Which unit speaks and which is spoken to: evidence in, a calibrated answer or an honest "unknown" out.

Names found by sound (names.py) that lie on the same stretch of the transcript compete as one *mention*
(mentions.py); call order (roles.py) says which mention is the caller and which the callee. Within a mention
every unit has evidence in nats against "nobody we know was named here", to which other readers of the audio
add theirs and the situation adds its prior; `fuse` turns the sum into probabilities that leave room for
nobody. Those are the scores. A unit is matched only above a score and a margin set by what a wrong unit
costs; nothing is ever forced.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Final, Literal

from gateway.model import UNKNOWN, Candidate, Ground, PhoneEvidence, Resolution
from gateway.understand.grounds import Trace, prior_grounds
from gateway.understand.mentions import COMMAND, Mention, find_mentions, pauses, rivals
from gateway.understand.names import UNIT_SUFFIX, Form, NameIndex, Occurrence, bare_name, unit_forms
from gateway.understand.phonenames import PhoneMarks, PhoneNames
from gateway.understand.phonereading import read_phones
from gateway.understand.pinyin import Syllables, syllables
from gateway.understand.registry import Registry
from gateway.understand.roles import CallOrder, Mark, MarkerFinder, RoleWords

_CLEAR_SHARE: Final = 0.75


@dataclass(frozen=True, slots=True)
class ResolverSettings:
    """How sure is sure enough, what counts as evidence, and the words of the station.

    Gains are about one per syllable heard well; `nats_per_gain` turns them into natural-log odds. Nobody is
    named when the gain stays under `absent_gain` plus `absent_gain_per_log_form` times the log of the number
    of forms, since more names fit any noise better; `mention_within` below that is still worth a listen. The
    `phone_…` settings say the same of names heard in the phones; beside those the text counts by a share.
    """

    least_score: float = 0.9
    least_margin: float = 0.6
    ambiguous_from: float = 0.3
    nats_per_gain: float = 2.4
    absent_gain: float = 0.7
    absent_gain_per_log_form: float = 0.15
    least_gain: float = 0.8
    mention_within: float = 0.8
    plain_penalty_nats: float = 1.0
    phone_credit_nats: float = 2.0
    phone_nats_per_gain: float = 4.5
    phone_absent_gain: float = 0.6
    phone_absent_gain_per_log_form: float = 0.15
    phone_mark_most_per_phone: float = 0.9
    text_share_beside_phones: float = 0.6
    expected_nats: float = 3.0
    street_nats: float = 1.0
    last_speaker_nats: float = 0.7
    disabled_nats: float = -1.8
    most_candidates: int = 5
    command_names: tuple[str, ...] = (
        "指挥中心",
        "应急指挥中心",
        "指挥室",
        "综合指挥室",
        "指挥部",
        "总台",
        "总控",
        "中心",
    )
    words: RoleWords = field(default_factory=RoleWords)


@dataclass(frozen=True, slots=True)
class Prior:
    """What is known before listening; it tips a balance and never outweighs clear speech.

    `expected` are unit ids called just now (roll-call, or called on this radio), `streets` those this radio
    serves, `signalled` are `system:id` caller ids of the transmission, which decide when registered.
    """

    expected: frozenset[str] = frozenset()
    last_speaker: str | None = None
    streets: frozenset[str] = frozenset()
    signalled: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NameEvidence:
    """One reader's evidence that a unit was named.

    `score` is natural-log odds against nobody being named: 0 says nothing, 3 is 20 to 1. `unit_id` is COMMAND
    for the command post. `span` is where: characters of the text for source "text", seconds for "phones".
    """

    unit_id: str
    score: float
    span: tuple[float, float]
    source: Literal["text", "phones"]


@dataclass(frozen=True, slots=True)
class Parties:
    """Who speaks and who is spoken to, each on its own evidence."""

    caller: Resolution = UNKNOWN
    callee: Resolution = UNKNOWN


@dataclass(frozen=True, slots=True)
class _Part:
    """One party as one reader of the audio has it: each owner's evidence in nats, and the stretch of text."""

    nats: Mapping[str, float]
    span: tuple[float, float]
    stretch: str
    source: Literal["text", "phones"]
    trace: Trace

    def evidence(self, share: float = 1.0) -> list[NameEvidence]:
        return [NameEvidence(i, share * nats, self.span, self.source) for i, nats in self.nats.items()]


@dataclass(frozen=True, slots=True)
class _Scale:
    """What a gain is worth in nats, and the gain that chance alone reaches."""

    nats_per_gain: float
    absent_gain: float
    plain_penalty_nats: float

    def nats(self, gain: float, *, plain: bool) -> float:
        penalty = self.plain_penalty_nats if plain else 0.0
        return self.nats_per_gain * (gain - self.absent_gain) - penalty


def fuse(evidence: Iterable[NameEvidence], priors_nats: Mapping[str, float]) -> tuple[tuple[str, float], ...]:
    """Probability per unit id, best first; what they leave to 1 is the probability that nobody was named.

    Per source a unit's best score counts and the sources add up. A unit that a source did not report gets
    that source's lowest score, at most 0: not to be among the best found is no point in its favour.
    """
    by_source: dict[str, dict[str, float]] = {}
    for item in evidence:
        scores = by_source.setdefault(item.source, {})
        scores[item.unit_id] = max(item.score, scores.get(item.unit_id, -math.inf))
    unit_ids = {unit_id for scores in by_source.values() for unit_id in scores}
    nats = {
        unit_id: priors_nats.get(unit_id, 0.0)
        + sum(s.get(unit_id, min(0.0, *s.values(), 0.0)) for s in by_source.values())
        for unit_id in unit_ids
    }
    top = max([0.0, *nats.values()])
    weights = {unit_id: math.exp(value - top) for unit_id, value in nats.items()}
    total = sum(weights.values()) + math.exp(-top)
    shares = ((unit_id, weight / total) for unit_id, weight in weights.items())
    return tuple(sorted(shares, key=lambda share: (-share[1], share[0])))


class Resolver:
    """Resolves transcripts against one version of the registry. Pure and safe to share between threads."""

    def __init__(
        self,
        registry: Registry,
        command_post: str,
        settings: ResolverSettings | None = None,
    ) -> None:
        """Index `registry`; build a new one when it changes. `command_post` is how the station is called."""
        self._registry = registry
        self._command_post = command_post
        self._settings = settings or ResolverSettings()
        forms = tuple(form for unit in registry for form in unit_forms(unit))
        command = dict.fromkeys((bare_name(command_post), *self._settings.command_names))
        always = (*(Form(COMMAND, name, "command") for name in command), Form(COMMAND, UNIT_SUFFIX, "suffix"))
        self._forms, self._always = forms, always
        self._index = NameIndex(forms, always)
        self._marks = MarkerFinder(self._settings.words)
        log_forms = math.log(len(forms) + 1)
        self._text_scale = _Scale(
            self._settings.nats_per_gain,
            self._settings.absent_gain + self._settings.absent_gain_per_log_form * log_forms,
            self._settings.plain_penalty_nats,
        )
        self._phone_scale = _Scale(
            self._settings.phone_nats_per_gain,
            self._settings.phone_absent_gain + self._settings.phone_absent_gain_per_log_form * log_forms,
            self._settings.plain_penalty_nats,
        )

    def prepare(self) -> None:
        """Build now what is otherwise built when phones first come: half a second for 2,702 units."""
        _ = self._names, self._phone_marks

    @cached_property
    def _names(self) -> PhoneNames:
        return PhoneNames(self._forms, self._always, self._settings.phone_credit_nats)

    @cached_property
    def _phone_marks(self) -> PhoneMarks:
        return PhoneMarks(self._settings.words, self._settings.phone_mark_most_per_phone)

    def resolve(self, text: str, phones: PhoneEvidence | None = None, prior: Prior | None = None) -> Parties:
        """Who speaks and who is spoken to in `text`, which must be normalised."""
        prior = prior or Prior()
        said = syllables(text)
        occurrences = self._index.search(text, said, self._settings.least_gain)
        marks = self._marks.find(text, said)
        caller, callee = self._parties(text, said, marks, occurrences, "text")
        heard_caller = heard_callee = None
        if phones is not None and len(phones.log_probs):
            heard_caller, heard_callee = self._listen(phones)
        called = self._decide(callee, heard_callee, Prior(streets=prior.streets))
        return Parties(self._signalled(self._decide(caller, heard_caller, prior), prior), called)

    def _listen(self, phones: PhoneEvidence) -> tuple[_Part | None, _Part | None]:
        """The parties as the phone head alone heard them."""
        reading = read_phones(phones)
        said = syllables(reading.text)
        occurrences = self._names.hear(phones, reading, said, self._settings.least_gain)
        marks = (*self._marks.find(reading.text, said), *self._phone_marks.find(phones, reading, said))
        marks = tuple(dict.fromkeys(marks))
        return self._parties(reading.text, said, marks, occurrences, "phones", reading.span_s)

    def _parties(
        self,
        text: str,
        said: Syllables,
        marks: tuple[Mark, ...],
        occurrences: list[Occurrence],
        source: Literal["text", "phones"],
        span_s: Callable[[int, int], tuple[float, float]] | None = None,
    ) -> tuple[_Part | None, _Part | None]:
        scale = self._text_scale if source == "text" else self._phone_scale
        order = CallOrder(marks, pauses(text, said))
        least = scale.absent_gain - self._settings.mention_within
        mentions = find_mentions(occurrences, text, said, order, least)
        named = tuple(mention.named() for mention in mentions)
        parts = order.assign(named)
        if parts.caller is None and source == "phones":
            opening = order.opening(named)
            if opening is not None and opening != parts.callee and _clear(mentions[opening]):
                parts = replace(parts, caller=opening, plain=True)

        def part(index: int | None, *, plain: bool) -> _Part | None:
            if index is None:
                return None
            first, last = _span(mentions[index], said)
            gains = rivals(mentions, index)
            nats = {owner: scale.nats(gain, plain=plain) for owner, gain in gains.items()}
            by_sound = partial(scale.nats, plain=False)
            trace = Trace(source, nats, mentions[index].found, text, said, by_sound, span_s)
            return _Part(nats, (first, last), text[first:last], source, trace)

        return part(parts.caller, plain=parts.plain), part(parts.callee, plain=False)

    def _decide(self, read: _Part | None, heard: _Part | None, prior: Prior) -> Resolution:
        if read is None and heard is None:
            return UNKNOWN
        share = self._settings.text_share_beside_phones if heard is not None else 1.0
        evidence = [*(read.evidence(share) if read else ()), *(heard.evidence() if heard else ())]
        shares = fuse(evidence, {item.unit_id: self._prior_nats(item.unit_id, prior) for item in evidence})
        without = fuse(evidence, {i.unit_id: self._prior_nats(i.unit_id, Prior()) for i in evidence})
        stretch = read.stretch if read else heard.stretch if heard else ""
        decided = self._explained(self._judge(shares, stretch), shares[0][0], (read, share), heard, prior)
        alone = self._judge(without, stretch)
        if decided.unit_id in prior.expected and alone.unit_id != decided.unit_id:
            return replace(decided, by=(*decided.by, "rollcall"))
        return decided

    def _explained(
        self,
        decided: Resolution,
        best_id: str,
        read: tuple[_Part | None, float],
        heard: _Part | None,
        prior: Prior,
    ) -> Resolution:
        """`decided` with what each evidence added for each candidate, and when the name was heard."""
        readers = [(part.trace, share) for part, share in (read, (heard, 1.0)) if part is not None]

        def grounds(owner: str) -> tuple[Ground, ...]:
            added = [ground for trace, share in readers for ground in trace.grounds(owner, share)]
            return (*added, *prior_grounds(self._priors(owner, prior)))

        named = tuple(replace(one, grounds=grounds(one.unit_id)) for one in decided.candidates)
        best = grounds(best_id) if decided.status != "unknown" else ()
        spans = (ground.span_s for ground in best if ground.by == "phones")
        return replace(decided, candidates=named, grounds=best, span_s=next(spans, None))

    def _judge(self, shares: tuple[tuple[str, float], ...], stretch: str) -> Resolution:
        settings = self._settings
        best_id, best = shares[0]
        margin = best - (shares[1][1] if len(shares) > 1 else 0.0)
        candidates = tuple(
            Candidate(unit_id, unit.name, round(share, 4))
            for unit_id, share in shares
            if (unit := self._registry.get(unit_id)) is not None
        )[: settings.most_candidates]
        if best >= settings.least_score and margin >= settings.least_margin:
            unit = self._registry.get(best_id)
            return Resolution(
                status="matched",
                unit_id=unit.unit_id if unit else None,
                name=unit.name if unit else self._command_post,
                score=round(best, 4),
                margin=round(margin, 4),
                heard=stretch,
                by=("speech",),
                candidates=candidates,
                kind="unit" if unit else "command",
            )
        near = sum(share for _, share in shares) >= settings.ambiguous_from
        return Resolution(
            status="ambiguous" if near and candidates else "unknown",
            score=round(best, 4),
            margin=round(margin, 4),
            heard=stretch if near else None,
            by=("speech",) if near else (),
            candidates=candidates if near else (),
        )

    def _prior_nats(self, unit_id: str, prior: Prior) -> float:
        return sum(self._priors(unit_id, prior).values())

    def _priors(self, unit_id: str, prior: Prior) -> dict[str, float]:
        settings = self._settings
        unit = self._registry.get(unit_id)
        if unit is None:
            return {}
        nats = {"disabled": settings.disabled_nats} if unit.state == "disabled" else {}
        if unit_id in prior.expected:
            nats["expected"] = settings.expected_nats
        elif unit_id == prior.last_speaker:
            nats["last_speaker"] = settings.last_speaker_nats
        if unit.street in prior.streets:
            nats["street"] = settings.street_nats
        return nats

    def _signalled(self, caller: Resolution, prior: Prior) -> Resolution:
        for radio_id in prior.signalled:
            unit = self._registry.with_radio_id(radio_id)
            if unit is None:
                continue
            system = radio_id.partition(":")[0]
            agrees = caller.status == "matched" and caller.unit_id == unit.unit_id
            decides = Ground("signalling", None, radio_id)
            candidates = caller.candidates or (Candidate(unit.unit_id, unit.name, 1.0),)
            return Resolution(
                status="matched",
                unit_id=unit.unit_id,
                name=unit.name,
                score=1.0,
                margin=1.0,
                heard=caller.heard,
                by=(system, "speech") if agrees else (system,),
                candidates=tuple(
                    replace(one, grounds=(decides, *one.grounds)) if one.unit_id == unit.unit_id else one
                    for one in candidates
                ),
                grounds=(decides, *(caller.grounds if agrees else ())),
                span_s=caller.span_s,
            )
        return caller


def _clear(mention: Mention) -> bool:
    """Whether the best name of a mention was heard nearly whole."""
    return mention.best.gain >= _CLEAR_SHARE * mention.best.most


def _span(mention: Mention, said: Syllables) -> tuple[int, int]:
    return said.spans[mention.best.start][0], said.spans[mention.best.end - 1][1]
