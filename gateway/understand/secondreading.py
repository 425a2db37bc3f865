"""One call read a second time, from the phone head's text (phonewords.py), and what both readings come to.

Every hit here was found by sound, so the rules for such hits hold: an incident needs more evidence than one
that was read, unless the recogniser's text sounds the same there. Two syllables are heard by chance anywhere;
they name an incident only where the words before announce one (有人触电, 发生火灾). Of two kinds the one that
both readers have counts; an end that was only heard ends something only when it was heard beyond doubt.
"""

import math
import re
from dataclasses import dataclass, replace
from typing import Final

from gateway.model import Transcript
from gateway.understand.agencies import Called
from gateway.understand.callreading import CallReading, Mark, exercise_mark, read_call
from gateway.understand.contrast import Told
from gateway.understand.digits import digits_from_speech
from gateway.understand.evidence import Evidence
from gateway.understand.heardends import end_contested, end_heard
from gateway.understand.lexicon import Lexicon
from gateway.understand.lexicon_rules import NUMBER, UNKNOWN_CODE
from gateway.understand.match import SHORTEST_BY_SOUND, Hit, Kind
from gateway.understand.naming import names_in
from gateway.understand.phonewords import MOST_PER_SHORT_PHONE, TOLD_BEFORE, Heard
from gateway.understand.polarity import EARLIER, Polarity, may_end, polarity_of
from gateway.understand.reading import Reading, Standing, kinds_denied, read
from gateway.understand.resolve import Parties
from gateway.understand.slots import Chosen, choose_incident

_PLACE_BY_EAR: Final = 1
_SAID_BEFORE_END: Final = re.compile(r"(?:是|为|属|确认|刚才[^,.!?]{0,8}|火警|报警)$")
_COUNT_BEFORE: Final = re.compile(rf"{NUMBER}(?:人|名队员)$")
_COUNT_AFTER: Final = re.compile(rf"{NUMBER}人")
_STRAY_DENIAL: Final = re.compile(r"[没无未](?![有人法发见需用])")
"""门 and 五, half heard, are spelt like this; what is denied in earnest the recogniser has, too."""
_SENT_FOR: Final = re.compile(r"(?:请|派|叫|通知|联系|请求|需要)$")
_ROUTINE: Final = frozenset({"present", "all_normal", "hail", "say_again", "test_only"})
_LONG_ROUTINE: Final = 4
_TRAFFIC: Final = frozenset({"hail", "ack_received", "say_again", "test_only", "all_normal", "arrived"})
_ACT_LONG: Final = 0.3
_ACT_SHORT: Final = 0.1
_HEARD_AT_ALL: Final = 1.0
"""A kind that costs more per phone was not heard, whatever the text says."""
_CLEARLY: Final = 0.5
_FAINTLY: Final = 0.6
_BORNE_OUT: Final = 6


@dataclass(frozen=True, slots=True)
class SecondReading:
    """A call as the phone head heard it, with what both readers know of it.

    `words` is what was heard, `call` what it tells.
    """

    words: Heard
    call: CallReading


def hear(
    transcript: Transcript, read_first: Reading, parties: Parties, lexicon: Lexicon
) -> tuple[Heard, Reading] | None:
    """What the phone head heard and how it reads; None without a phone head."""
    if transcript.phones is None or not len(transcript.phones.log_probs):
        return None
    named = [p.span_s for p in (parties.caller, parties.callee) if p.kind == "unit" and p.span_s]
    words = lexicon.spoken.hear(transcript.phones, read_first.masked, named)
    heard = read_heard(words, lexicon, names_in(words.text, parties, lexicon))
    denied = kinds_denied(read_first)
    return words, replace(heard, hits=tuple((h, how) for h, how in heard.hits if h.phrase not in denied))


def hear_told(told: Told, words: Heard, parties: Parties, lexicon: Lexicon) -> tuple[Heard, Reading]:
    """The same call with a kind of incident in its place that had not been written there."""
    words = words.telling(told)
    return words, read_heard(words, lexicon, names_in(words.text, parties, lexicon), told.phrase)


def read_heard(
    heard: Heard, lexicon: Lexicon, names: list[tuple[int, int]], told: str | None = None
) -> Reading:
    """Read `heard` as the transcript is read; what it denies, asks or fears is told as there.

    The phrase `told` is believed, however it was heard.
    """
    text = _STRAY_DENIAL.sub("煤", heard.text)
    reading = read(text, lexicon, names)
    found = [(_as_heard(hit, text, heard, lexicon, told), standing) for hit, standing in reading.hits]
    hits = tuple(
        (replace(hit, by_sound=hit.phrase not in heard.agreed), standing)
        for hit, standing in found
        if not hit.by_sound and (hit.phrase == told or _bears(hit, heard))
    )
    return replace(reading, hits=_without_chance(hits, heard, lexicon), doubts=heard.doubts)


def _without_chance(
    hits: tuple[tuple[Hit, Standing], ...], heard: Heard, lexicon: Lexicon
) -> tuple[tuple[Hit, Standing], ...]:
    """`hits` without those that only the audio has beside better ones of another kind.

    Two syllables beside a long phrase, or any beside one as long that the text has, too: 野猪进 and 拉横幅.
    """
    told = [hit for hit, _ in hits if hit.codes(Kind.INCIDENT)]

    def chance(hit: Hit) -> bool:
        return hit in told and hit.phrase not in heard.agreed and any(better(one, hit) for one in told)

    def better(one: Hit, hit: Hit) -> bool:
        if any(lexicon.related(a, b) for a in one.codes(Kind.INCIDENT) for b in hit.codes(Kind.INCIDENT)):
            return False
        if one.phrase in heard.agreed and len(one.phrase) >= SHORTEST_BY_SOUND:
            return len(one.phrase) >= len(hit.phrase)
        long = one.phrase in heard.clear and len(one.phrase) > SHORTEST_BY_SOUND
        return long and len(hit.phrase) < SHORTEST_BY_SOUND

    return tuple((hit, standing) for hit, standing in hits if not chance(hit))


def _as_heard(hit: Hit, text: str, heard: Heard, lexicon: Lexicon, told: str | None) -> Hit:
    """A hit by the phrase of its kind that was heard there: 走丢了 is read where only 走丢 was."""
    codes = set(hit.codes(Kind.INCIDENT))
    if not codes or hit.phrase in heard.clear or hit.phrase == told:
        return hit
    within = [
        phrase
        for phrase in (*heard.clear, *([told] if told else []))
        if codes & set(lexicon.book.codes(phrase, Kind.INCIDENT)) and _shares(hit, phrase, text)
    ]
    return replace(hit, phrase=max(within, key=len), by_sound=False) if within else hit


def _shares(hit: Hit, phrase: str, text: str) -> bool:
    """Whether `phrase` stands in `text` over some of what was hit: 男子昏迷 and 昏迷倒地."""
    written = digits_from_speech(phrase)
    return text.find(written, max(0, hit.start - len(written) + 1), hit.end + len(written) - 1) >= 0


def _bears(hit: Hit, heard: Heard) -> bool:
    """Whether a hit may mean something; an incident, its end or a duty never by two syllables alone."""
    short = hit.end - hit.start < SHORTEST_BY_SOUND
    if "present" in hit.codes(Kind.ACT) and short:
        counted = _COUNT_BEFORE.search(heard.text, 0, hit.start) or _COUNT_AFTER.match(heard.text, hit.end)
        return counted is not None
    if not any(hit.codes(kind) for kind in (Kind.INCIDENT, Kind.GENERIC, Kind.CANCEL, Kind.RESOLVE)):
        return True
    if not short:
        # an emergency without a kind is the least one can hear: what is heard must be beyond doubt
        most = MOST_PER_SHORT_PHONE if hit.codes(Kind.GENERIC) else math.inf
        sure = hit.phrase in heard.agreed or heard.clear.get(hit.phrase, math.inf) <= most
        return hit.phrase in heard.clear and sure
    if hit.codes(Kind.CANCEL):
        said = _SAID_BEFORE_END.search(heard.text, 0, hit.start) is not None
        return (said and hit.phrase in heard.agreed) or f"是{hit.phrase}" in heard.clear
    return bool(hit.codes(Kind.INCIDENT)) and TOLD_BEFORE.search(heard.text, 0, hit.start) is not None


def mark_heard(listened: tuple[Heard, Reading]) -> Mark | None:
    """What the audio says of an exercise: by a long phrase, one that the text bears out, or by two words."""
    heard, reading = listened
    hits = [h for h in reading.stated(Kind.DRILL) if {"open", "marker"} & set(h.codes(Kind.DRILL))]
    sure = [h for h in hits if len(h.phrase) >= SHORTEST_BY_SOUND or h.phrase in heard.agreed]
    if sure or len({h.phrase for h in hits}) > 1:
        return exercise_mark(replace(reading, hits=tuple((h, "stated") for h in hits)))
    return None


def listen_again(
    first: CallReading, transcript: Transcript, parties: Parties, heard: tuple[Heard, Reading]
) -> SecondReading:
    """What the call tells as the phone head heard it, weighed with the points of both readings."""
    words, reading = heard
    spoken = replace(transcript, text=words.text)
    # a word that somebody asked for is no request yet: any two syllables are heard by chance somewhere
    context = replace(first.context, asked=None)
    call = read_call(reading, spoken, parties, context, first.lexicon, in_drill="drill" in first.points)
    weighed = replace(
        call,
        called=called_by_both(first.called, call.called),
        place=first.place,
        casualties=first.casualties,
        evidence=both(first.evidence, call.evidence, _unheard(first, words)),
        by_command=first.by_command or call.by_command,
    )
    return SecondReading(words, weighed)


def both(first: Evidence, second: Evidence, unheard: frozenset[str] = frozenset()) -> Evidence:
    """The points of two readings of one call; where both have one, the first reading's.

    How little else was said (`terse`) is told by the first alone: the second leaves out what it cannot spell.
    A room that only the second has (1栋 for 宇宙) is worth no more than any place.
    Of what speaks against a report, what nobody can have said (`unheard`) is left out.
    """
    read = {name: value for name, value in first.points if name not in unheard}
    points = {name: value for name, value in second.points if name != "terse"}
    if "place" in points:
        points["place"] = min(points["place"], _PLACE_BY_EAR)
    points |= read
    return Evidence(tuple(points.items()), first.attributed or second.attributed)


def _unheard(first: CallReading, words: Heard) -> frozenset[str]:
    """What speaks against a report by words that the audio has not: 遇到 is written for a name."""
    rules, text = first.lexicon.evidence, first.reading.masked
    groups = {"past_or_news": rules.past_or_news, "advice": rules.advice, "small_talk": rules.small_talk}
    return frozenset(
        name
        for name, pattern in groups.items()
        if not any(words.least.get(m[0], math.inf) <= _HEARD_AT_ALL for m in pattern.finditer(text))
    )


def called_by_both(first: Called, second: Called) -> Called:
    """Everybody asked for in either reading; who was promised or came is left to the first."""
    settled = {*first.promised, *first.arrived}
    added = [code for code in second.requested if code not in first.requested and code not in settled]
    return replace(first, requested=(*first.requested, *added))


def settle(first: CallReading, again: SecondReading) -> tuple[CallReading, Polarity, list[str]]:
    """What both readings of a call come to: what it tells, what it does, and why to look at that."""
    polarity, doubts = polarity_of(first)
    second = again.call
    if polarity == "report" and (denied := _not_heard(first, again)):
        # what only one reader has, and the other has otherwise, a person must see: it opens nothing
        first, polarity = replace(first, chosen=None), "none"
        doubts = [*(d for d in doubts if d != "kind_not_understood"), denied]
    if polarity in {"cancel", "resolve"}:
        return first, polarity, [*doubts, *_heard_otherwise(first, again)]
    if second.by_command:
        return first, polarity, doubts
    if over := _over(first, polarity, doubts, again):
        return over
    heard_polarity, why = polarity_of(second)
    if heard_polarity in {"cancel", "resolve"} and (polarity == "report" or first.context.open_incident):
        doubts = [*doubts, *(f"heard:{h.phrase}" for h in second.reading.stated(Kind.CANCEL, Kind.RESOLVE))]
    text = replace(
        first,
        chosen=_chosen_in_text(first, again),
        called=second.called,
        evidence=second.evidence,
        place=second.place,
    )
    if not _rather_heard(text, again) or second.chosen is None:
        weighed, more = polarity_of(text)
        added = [f"heard:{code}" for code in second.called.requested if code not in first.called.requested]
        return text, weighed, [*doubts, *more, *(added if weighed == "report" else [])]
    # who takes back or ends something asks for nobody: then a mere hint of such words is chance
    hinted = again.words.ends and not second.called.requested
    ended = hinted or may_end(first) or EARLIER.search(first.reading.text + again.words.text)
    phrase = second.chosen.hit.phrase
    opens = polarity == "report" or not (ended or _drill_only_heard(again) or _faint(again))
    if heard_polarity != "report" or not opens:
        short = [d for d in why if d == "incident_words_without_report"]
        near = [f"heard:{phrase}"] if heard_polarity == "report" else short
        return first, polarity, [*doubts, *near]
    kept = [d for d in (*doubts, *why) if not d.startswith("by_sound:") and d != "kind_not_understood"]
    sure = [] if phrase in again.words.agreed else [f"heard:{phrase}"]
    alike = [d for d in again.words.doubts if d.startswith("sounds_like:")]
    return second, "report", [*kept, *sure, *alike]


def _over(
    first: CallReading, polarity: Polarity, doubts: list[str], again: SecondReading
) -> tuple[CallReading, Polarity, list[str]] | None:
    """What a call comes to by an end that only the audio has; None where it has none that counts."""
    if ending := end_heard(again.words, again.call):
        return first, ending[0], [*doubts, f"heard:{ending[1].phrase}"]
    contested = end_contested(again.words, again.call) if polarity == "report" else None
    return (replace(first, chosen=None), "none", [*doubts, contested]) if contested else None


def _not_heard(first: CallReading, again: SecondReading) -> str | None:
    """Why what was read is no report after all: the audio has routine, or another word, in its place."""
    chosen = first.chosen
    if chosen is None or first.context.open_incident:
        return None
    if chosen.hit.codes(Kind.AGENCY) and chosen.code == UNKNOWN_CODE:
        said = [h for h in again.call.reading.stated(Kind.ACT) if set(h.codes(Kind.ACT)) & _ROUTINE]
        known = again.words.agreed | again.words.clear.keys()
        routine = any(len(h.phrase) >= _LONG_ROUTINE and h.phrase in known for h in said)
        heard = {one.phrase for one in again.words.placed}
        hinted = again.words.least.get(chosen.hit.phrase, math.inf) <= _HEARD_AT_ALL
        unsaid = chosen.hit.phrase not in heard and (chosen.hit.by_sound or not hinted)
        other = routine or again.words.counts or unsaid
        return "kind_not_understood" if other and again.call.chosen is None else None
    told = chosen.code in {one.code for one in again.words.told}
    if told or not chosen.hit.codes(Kind.INCIDENT) or len(chosen.hit.phrase) > SHORTEST_BY_SOUND:
        return None
    short = len(chosen.hit.phrase) < SHORTEST_BY_SOUND
    return f"not_heard:{chosen.hit.phrase}" if short or not _heard_at_all(chosen.code, again) else None


def _heard_otherwise(first: CallReading, again: SecondReading) -> list[str]:
    """A doubt where the text ends something and the audio reports something else."""
    chosen = again.call.chosen
    told = first.chosen.code if first.chosen else None
    if chosen is None or (told is not None and first.lexicon.related(chosen.code, told)):
        return []
    return [f"heard:{chosen.hit.phrase}"] if chosen.hit.phrase in again.words.clear else []


def _drill_only_heard(again: SecondReading) -> bool:
    """Whether any word of an exercise was heard, where the text has none; 请派特警 is no 测试."""
    reading = again.call.reading
    hits = reading.stated(Kind.DRILL)
    said = [h for h in hits if not _SENT_FOR.search(reading.text, 0, h.start)]
    marks = {code for h in said for code in h.codes(Kind.DRILL)}
    return "drill" not in again.call.points and bool(marks & {"open", "marker"})


def _faint(again: SecondReading) -> bool:
    """Whether a kind that only the audio has was heard so badly that the call must bear it out."""
    kind = again.call.chosen
    if kind is None or kind.code == UNKNOWN_CODE or kind.hit.phrase in again.words.agreed:
        return False
    book = again.call.lexicon.book
    akin = [c for p, c in again.words.clear.items() if kind.code in book.codes(p, Kind.INCIDENT)]
    cost = min(akin, default=0.0)
    rest = sum(value for name, value in again.call.evidence.points if name not in {"happening", "terse"})
    return cost > _FAINTLY and rest < _BORNE_OUT


def _chosen_in_text(first: CallReading, again: SecondReading) -> Chosen | None:
    """The kind the text tells; of several the one that was heard, too: 火势 is written for 我是."""
    if first.chosen is None or _heard_at_all(first.chosen.code, again):
        return first.chosen
    kept = [
        (hit, standing)
        for hit, standing in first.reading.hits
        if not hit.codes(Kind.INCIDENT) or any(_heard_at_all(c, again) for c in hit.codes(Kind.INCIDENT))
    ]
    other = choose_incident(replace(first.reading, hits=tuple(kept)), first.lexicon)
    return other if other is not None and other.code != UNKNOWN_CODE else first.chosen


def _heard_at_all(code: str, again: SecondReading) -> bool:
    """Whether any phrase of a kind was so much as hinted at in the audio."""
    book = again.call.lexicon.book
    return any(
        cost <= _HEARD_AT_ALL and code in book.codes(phrase, Kind.INCIDENT)
        for phrase, cost in again.words.least.items()
    )


def _rather_heard(text: CallReading, again: SecondReading) -> bool:
    """Whether the audio's kind counts before the text's: none or a vaguer one there, or one nobody said."""
    heard, written = again.call.chosen, text.chosen
    if heard is None or (heard.code == UNKNOWN_CODE and written is not None):
        return False
    if written is None or written.code == UNKNOWN_CODE:
        return True
    lexicon = text.lexicon
    if written.code == heard.code or heard.code in lexicon.refines.get(written.code, ()):
        return False
    follows = written.code in lexicon.consequences and heard.code not in lexicon.consequences
    if follows or written.code in lexicon.refines.get(heard.code, ()):
        return True
    clearly = again.words.clear.get(heard.hit.phrase, math.inf) <= _CLEARLY
    if written.hit.by_sound and len(heard.hit.phrase) > len(written.hit.phrase) and clearly:
        return True
    return not _heard_at_all(written.code, again) and len(written.hit.phrase) < SHORTEST_BY_SOUND


def acts_heard(again: SecondReading) -> tuple[str, ...]:
    """Traffic that was heard beyond doubt: what it does, it does to the talk and to no incident."""
    cost = {one.phrase: one.per_phone for one in again.words.placed}
    heard = []
    for hit in again.call.reading.stated(Kind.ACT):
        most = _ACT_LONG if len(hit.phrase) >= SHORTEST_BY_SOUND else _ACT_SHORT
        if hit.phrase in again.words.agreed or cost.get(hit.phrase, math.inf) <= most:
            heard += [code for code in hit.codes(Kind.ACT) if code in _TRAFFIC]
    return tuple(dict.fromkeys(heard))
