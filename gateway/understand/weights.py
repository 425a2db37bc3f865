"""What evidence is worth, in nats: of who speaks (fusion.py) and of what happened (kindweighed.py)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from gateway.understand.roles import Stance


@dataclass(frozen=True, slots=True)
class ReaderWeights:
    """What one reader's word is worth, in nats.

    A gain (about one per syllable heard well) counts from `absent_gain` plus `absent_gain_per_log_form` times
    the log of the number of forms, since more names fit any noise better. `floor_nats` is what it says of a
    unit that it has not heard at all: nothing it hears badly says less. `number_nats` is what a callsign
    loses: any four digits are somebody's. `words_share` is how much of what the words around a name say
    (whospeaks.py) counts beside how it stands.
    """

    nats_per_gain: float
    absent_gain: float
    absent_gain_per_log_form: float
    nats_per_syllable: float
    floor_nats: float
    number_nats: float
    short_number_nats: float
    stance_nats: Mapping[Stance, float]
    words_share: float = 0.0


@dataclass(frozen=True, slots=True)
class Weights:
    """The weights of all readers; `role_…` and `name_…` are the nats that role and name begin with.

    `…_alone` is the text without phones, `…_beside` both readers together.
    """

    text_alone: ReaderWeights
    text: ReaderWeights
    phones: ReaderWeights
    role_alone: float
    role_beside: float
    most_name_nats: float
    name_alone: float
    name_beside: float


class KindWeights(NamedTuple):
    """Weights of the gist of the text and of the phone head's reading, and of the likeliest phrases in nats.

    The others are worth what they say: that the kind was chosen by a phrase that was `written` as such, found
    `by_sound` in the text, or `heard` in the audio alone; that both readers have it (`agreed`); and that a
    long one was heard (`clear`). With what there is of each in place of what it is worth, the same shape
    holds the evidence.
    """

    text: float = 0.0
    ear: float = 0.0
    told: float = 0.0
    written: float = 0.0
    by_sound: float = 0.0
    heard: float = 0.0
    agreed: float = 0.0
    clear: float = 0.0
