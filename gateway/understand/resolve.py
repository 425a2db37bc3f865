"""Which unit speaks and which is spoken to: evidence in, a calibrated answer or an honest "unknown" out.

Names found by sound (names.py) that lie on the same stretch of the transcript compete as one *mention*
(mentions.py); call order (roles.py) says which mention is the caller and which the callee. Within a mention
every unit has evidence in nats against "nobody we know was named here", to which other readers of the audio
add theirs and the situation adds its prior; `fuse` turns the sum into probabilities that leave room for
nobody. Those are the scores. A unit is matched only above a score and a margin set by what a wrong unit
costs; nothing is ever forced.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

from gateway.model import UNKNOWN, Candidate, Ground, PhoneEvidence, Resolution
from gateway.understand.called import Part, Scale, fuse
from gateway.understand.fitted import FITTED
from gateway.understand.fusion import Claims, Hearing, claims, fuse_claims
from gateway.understand.grounds import Trace, prior_grounds
from gateway.understand.mentions import (
    COMMAND,
    OPENING_POSTS,
    Mention,
    find_mentions,
    names_of,
    pauses,
    rivals,
)
from gateway.understand.names import UNIT_SUFFIX, Form, NameIndex, Occurrence, bare_name, unit_forms
from gateway.understand.phonenames import PhoneMarks, PhoneNames
from gateway.understand.phonereading import PhoneReading, read_phones
from gateway.understand.pinyin import Syllables, folded, syllables
from gateway.understand.registry import Registry
from gateway.understand.roles import CallOrder
from gateway.understand.rolewords import Mark, MarkerFinder, RoleWords
from gateway.understand.weights import Weights
from gateway.understand.whospeaks import WhoSpeaks, shipped_speakers


@dataclass(frozen=True, slots=True)
class ResolverSettings:
    """How sure is sure enough, what counts as evidence, and the words of the station.

    Gains are about one per syllable heard well; `nats_per_gain` turns them into natural-log odds. Nobody is
    named when the gain stays under `absent_gain` plus `absent_gain_per_log_form` times the log of the number
    of forms, since more names fit any noise better; `mention_within` below that is still worth a listen. The
    `phone_…` settings say the same of names heard in the phones; beside those the text counts by a share.
    Without them a wrong unit costs `text_alone_doubt` times more, since the text takes more names for others.
    """

    wrong_unit_cost: float = 2.5
    text_alone_doubt: float = 1.6
    least_score_called: float = 0.9
    least_margin_called: float = 0.6
    ambiguous_from: float = 0.3
    weights: Weights = FITTED
    nats_per_gain: float = 2.4
    absent_gain: float = 0.7
    absent_gain_per_log_form: float = 0.15
    least_gain: float = 0.8
    phone_least_gain: float = 0.2
    least_mention: float = 0.9
    phone_least_mention: float = 0.5
    mention_within: float = 0.8
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
    speakers: WhoSpeaks = field(default_factory=shipped_speakers)


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
class Parties:
    """Who speaks and who is spoken to, each on its own evidence."""

    caller: Resolution = UNKNOWN
    callee: Resolution = UNKNOWN


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
        posts = (bare_name(command_post), *self._settings.command_names, *OPENING_POSTS)
        command = dict.fromkeys(posts)
        always = (*(Form(COMMAND, name, "command") for name in command), Form(COMMAND, UNIT_SUFFIX, "suffix"))
        self._forms, self._always = forms, always
        self._index = NameIndex(forms, always)
        self._marks = MarkerFinder(self._settings.words)
        log_forms = math.log(len(forms) + 1)
        self._text_scale = Scale(
            self._settings.nats_per_gain,
            self._settings.absent_gain + self._settings.absent_gain_per_log_form * log_forms,
        )
        self._phone_scale = Scale(
            self._settings.phone_nats_per_gain,
            self._settings.phone_absent_gain + self._settings.phone_absent_gain_per_log_form * log_forms,
        )

    @property
    def registry(self) -> Registry:
        """The registry that names are resolved against."""
        return self._registry

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
        weights = self._settings.weights
        counts = phones is not None or weights.text_alone.words_share != 0
        marks = self._marks.find(text, said)
        read, called = self._hear("text", text, said, marks, occurrences, words_count=counts)
        base = weights.name_alone, weights.role_alone
        heard_callee = None
        if phones is not None and len(phones.log_probs):
            reading = read_phones(phones)
            heard, heard_callee = self._listen(phones, reading)
            base = weights.name_beside, weights.role_beside
            readers = [
                claims(read, weights.text, len(self._forms)),
                claims(heard, weights.phones, len(self._forms), reading.span_s),
            ]
        else:
            readers = [claims(read, weights.text_alone, len(self._forms))]
        caller = self._caller(readers, base, prior)
        callee = self._callee(called, heard_callee, Prior(streets=prior.streets))
        return Parties(self._signalled(caller, prior), callee)

    def _listen(self, phones: PhoneEvidence, reading: PhoneReading) -> tuple[Hearing, Part | None]:
        """The call as the phone head alone heard it."""
        said = syllables(reading.text)
        occurrences = self._names.hear(phones, reading, said, self._settings.phone_least_gain)
        marks = (*self._marks.find(reading.text, said), *self._phone_marks.find(phones, reading, said))
        return self._hear(
            "phones", reading.text, said, tuple(dict.fromkeys(marks)), occurrences, reading.span_s
        )

    def _hear(
        self,
        source: Literal["text", "phones"],
        text: str,
        said: Syllables,
        marks: tuple[Mark, ...],
        occurrences: list[Occurrence],
        span_s: Callable[[int, int], tuple[float, float]] | None = None,
        *,
        words_count: bool = True,
    ) -> tuple[Hearing, Part | None]:
        """One reader's mentions and how they stand, and whom it takes for the one who is spoken to."""
        order = CallOrder(marks, pauses(text, said))
        of_text = source == "text"
        scale = self._text_scale if of_text else self._phone_scale
        least = self._settings.least_mention if of_text else self._settings.phone_least_mention
        mentions = find_mentions(occurrences, text, said, order, least, in_audio=not of_text)
        names = names_of(mentions)
        words = self._settings.speakers.nats(folded(said), names) if words_count else (0.0,) * len(names)
        named = order.named(names)
        hearing = Hearing(source, text, said, mentions, order.stances(named, order.assign(named)), words)
        least = scale.absent_gain - self._settings.mention_within
        mentions = tuple(mention for mention in mentions if max(mention.gains.values()) >= least)
        parts = order.assign(order.named(names_of(mentions)))
        if parts.callee is None:
            return hearing, None
        first, last = _span(mentions[parts.callee], said)
        gains = rivals(mentions, parts.callee)
        nats = {owner: scale.nats(gain) for owner, gain in gains.items()}
        trace = Trace(source, nats, mentions[parts.callee].found, text, said, scale.by_sound, span_s)
        return hearing, Part(nats, (first, last), text[first:last], source, trace)

    def _caller(self, readers: list[Claims], base: tuple[float, float], prior: Prior) -> Resolution:
        owners = {owner for one in readers for owner in one.names}
        most = self._settings.weights.most_name_nats
        shares = fuse_claims(readers, base, {o: self._prior_nats(o, prior) for o in owners}, most)
        if not shares:
            return UNKNOWN
        alone = fuse_claims(readers, base, {o: self._prior_nats(o, Prior()) for o in owners}, most)
        best = shares[0][0]
        stretch = next((one.stretches[best] for one in readers if best in one.stretches), "")
        cost = self._settings.wrong_unit_cost * (1.0 if len(readers) > 1 else self._settings.text_alone_doubt)
        sure = (1 - 1 / max(1.0, cost), 0.0)
        parts = [(one.trace, 1.0) for one in readers]
        decided = self._explained(self._judge(shares, stretch, sure), best, parts, prior)
        if decided.unit_id in prior.expected and self._judge(alone, stretch, sure).unit_id != decided.unit_id:
            return replace(decided, by=(*decided.by, "rollcall"))
        return decided

    def _callee(self, read: Part | None, heard: Part | None, prior: Prior) -> Resolution:
        if read is None and heard is None:
            return UNKNOWN
        share = self._settings.text_share_beside_phones if heard is not None else 1.0
        evidence = [*(read.evidence(share) if read else ()), *(heard.evidence() if heard else ())]
        shares = fuse(evidence, {item.unit_id: self._prior_nats(item.unit_id, prior) for item in evidence})
        stretch = read.stretch if read else heard.stretch if heard else ""
        parts = [(part.trace, weight) for part, weight in ((read, share), (heard, 1.0)) if part is not None]
        sure = (self._settings.least_score_called, self._settings.least_margin_called)
        return self._explained(self._judge(shares, stretch, sure), shares[0][0], parts, prior)

    def _explained(
        self, decided: Resolution, best_id: str, readers: list[tuple[Trace, float]], prior: Prior
    ) -> Resolution:
        """`decided` with what each evidence added for each candidate, and when the name was heard."""

        def grounds(owner: str) -> tuple[Ground, ...]:
            added = [ground for trace, share in readers for ground in trace.grounds(owner, share)]
            return (*added, *prior_grounds(self._priors(owner, prior)))

        named = tuple(replace(one, grounds=grounds(one.unit_id)) for one in decided.candidates)
        best = grounds(best_id) if decided.status != "unknown" else ()
        spans = (ground.span_s for ground in best if ground.by == "phones")
        return replace(decided, candidates=named, grounds=best, span_s=next(spans, None))

    def _judge(
        self, shares: tuple[tuple[str, float], ...], stretch: str, sure: tuple[float, float]
    ) -> Resolution:
        """The answer, when the best is at least `sure` in score and margin."""
        settings = self._settings
        best_id, best = shares[0]
        margin = best - (shares[1][1] if len(shares) > 1 else 0.0)
        candidates = tuple(
            Candidate(unit_id, unit.name, round(share, 4))
            for unit_id, share in shares
            if (unit := self._registry.get(unit_id)) is not None
        )[: settings.most_candidates]
        if best >= sure[0] and margin >= sure[1]:
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


def _span(mention: Mention, said: Syllables) -> tuple[int, int]:
    return said.spans[mention.best.start][0], said.spans[mention.best.end - 1][1]
