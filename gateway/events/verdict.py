"""The data of `review.*`: what a person says of a transmission that the gateway has understood."""

from gateway.events.shared import Data, Model, Timestamp
from gateway.masking import Said


class Judged(Model):
    """What a person says, or the gateway understood, of one transmission. None: nobody, nothing, not said."""

    text: Said
    unit_id: str | None
    unit_name: str | None
    headcount: int | None
    incident: str | None


class ReviewVerdict(Data):
    """A person has looked at a transmission: accepted it, or corrected what `changed` names.

    `before` is what held until then, the gateway's own understanding or an earlier person's; `reasons` are
    why it was to be looked at. The latest verdict on a transmission holds.
    """

    transmission_id: str
    radio: str
    by: str
    at: Timestamp
    before: Judged
    after: Judged
    changed: tuple[str, ...]
    reasons: tuple[str, ...]
    note: str
