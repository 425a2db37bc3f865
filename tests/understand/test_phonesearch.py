"""The search for names in phone evidence, against a plain and slow reading of the definition."""

import itertools
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.model import PhoneEvidence
from gateway.understand.phones import PHONES, phones_of
from gateway.understand.phonesearch import PhoneIndex

SMALL = PHONES[:5]


def evidence(rows: np.ndarray, phones: tuple[str, ...] = PHONES) -> PhoneEvidence:
    log_probs = rows - np.log(np.exp(rows).sum(axis=1, keepdims=True))
    return PhoneEvidence(log_probs.astype(np.float32), phones)


def said(text: str, *, seed: int = 0, heard: float = 6.0, every: int = 4) -> PhoneEvidence:
    """Evidence for `text`: each phone peaks in one frame, `every` frames apart; `heard` is how clearly."""
    rng = np.random.default_rng(seed)
    phones = phones_of(text)
    rows = rng.normal(0, 0.5, (every * (len(phones) + 4), len(PHONES) + 1))
    rows[:, 0] += 6
    for k, phone in enumerate(phones):
        rows[every * (k + 2), 1 + PHONES.index(phone)] += 6 + heard
    return evidence(rows)


def slow_cost(log_probs: np.ndarray, labels: list[int]) -> float:
    """The definition: every start and end, every CTC path, by dynamic programming over one stretch."""
    loss = log_probs.max(axis=1, keepdims=True) - log_probs
    best = np.inf
    for start in range(len(loss)):
        states = [labels[0], *itertools.chain.from_iterable((0, label) for label in labels[1:])]
        cost = np.full(len(states), np.inf)
        for at in range(start, len(loss)):
            new = np.full(len(states), np.inf)
            for k, label in enumerate(states):
                come = [cost[k]]
                if at == start and k == 0:
                    come.append(0.0)
                if k >= 1:
                    come.append(cost[k - 1])
                if k >= 2 and label != 0 and label != states[k - 2]:
                    come.append(cost[k - 2])
                new[k] = min(come) + loss[at, label]
            cost = new
            best = min(best, cost[-1])
    return float(best)


@given(st.integers(0, 10_000), st.lists(st.sampled_from(SMALL), min_size=1, max_size=4))
@settings(max_examples=60, deadline=None)
def test_cost_is_that_of_the_best_ctc_path_anywhere(seed: int, phrase: list[str]) -> None:
    rows = np.random.default_rng(seed).normal(0, 2, (9, len(SMALL) + 1))
    heard = evidence(rows, SMALL)
    (hit,) = PhoneIndex([tuple(phrase)], SMALL).search(heard)
    expected = slow_cost(heard.log_probs.astype(float), [1 + SMALL.index(p) for p in phrase])
    assert hit.cost_nats == pytest.approx(expected, abs=0.01 * len(rows) + 0.01)
    assert 0 <= hit.start_s < hit.end_s <= len(rows) * heard.frame_s + 1e-9


@given(st.integers(0, 10_000))
@settings(max_examples=20, deadline=None)
def test_the_sieve_keeps_what_was_said(seed: int) -> None:
    rng = random.Random(seed)
    names = [tuple(rng.choices(PHONES, k=rng.randint(6, 14))) for _ in range(600)]
    rows = np.random.default_rng(seed).normal(0, 1, (120, len(PHONES) + 1))
    rows[:, 0] += 4
    for k, phone in enumerate(names[77]):
        rows[20 + 4 * k, 1 + PHONES.index(phone)] += rng.uniform(8, 12)
    kept = {hit.entry: hit for hit in PhoneIndex(names, keep=16).search(evidence(rows))}
    assert kept[77].start_s == pytest.approx(0.4, abs=0.15)


def test_a_name_is_found_where_it_was_said() -> None:
    names = ["千耀酒店", "华夏A区", "华夏B区", "黄石中学"]
    index = PhoneIndex([phones_of(n) for n in names])
    hits = index.search(said("指挥中心我是华夏A区有情况"))
    assert names[hits[0].entry] == "华夏A区"
    before = len(phones_of("指挥中心我是"))
    assert hits[0].start_s == pytest.approx(0.08 * (before + 2), abs=0.05)
    assert hits[0].gain > 5 + hits[1].gain


def test_a_longer_name_beats_the_one_inside_it() -> None:
    names = ["马场", "跑马场", "跑马场路"]
    index = PhoneIndex([phones_of(n) for n in names])
    assert [names[h.entry] for h in index.search(said("这里是跑马场路"))][:3] == [
        "跑马场路",
        "跑马场",
        "马场",
    ]
    assert names[index.search(said("这里是马场"))[0].entry] == "马场"


def test_a_name_said_twice_is_found_twice() -> None:
    index = PhoneIndex([phones_of("千耀酒店")])
    hits = index.search(said("千耀酒店千耀酒店听到请回答"), occurrences=3)
    clear = [h for h in hits if h.per_phone < 0.5]
    assert len(clear) == 2
    first, second = sorted(clear, key=lambda h: h.start_s)
    assert first.end_s <= second.start_s + 1e-9


def test_nothing_to_search_or_to_hear_gives_nothing() -> None:
    assert PhoneIndex([]).search(said("千耀酒店")) == ()
    silence = PhoneEvidence(np.zeros((0, len(PHONES) + 1), np.float32), PHONES)
    assert PhoneIndex([phones_of("千耀酒店")]).search(silence) == ()


def test_faults_are_named() -> None:
    with pytest.raises(ValueError, match="xx"):
        PhoneIndex([("xx",)])
    with pytest.raises(ValueError, match="other phones"):
        PhoneIndex([("a",)]).search(evidence(np.zeros((3, 6)), SMALL))
