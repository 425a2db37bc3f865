"""Measure what the phone head takes for what: `python -m tools.measure_confusions`, a few minutes.

Every sentence of the corpus' dev split goes through the radio channel at 12 dB and through encoder and phone
head; its own phones are laid under the audio (CTC), and of each it is counted how often every other one comes
so near there that a name could not be told by it. `units confusable` asks the table, which is
config/phone-confusions.json. Run again when the head or the corpus changes.
"""

import argparse
import csv
import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

from gateway.recognise.encoder import Encoder, Window, read_phones
from gateway.recognise.phonehead import PhoneHead
from gateway.understand.alignment import force
from gateway.understand.confusable import LEAD_NATS
from gateway.understand.normalise import normalise
from gateway.understand.phones import PHONES, pronunciations
from gateway.understand.pinyin import final_costs, initial_costs
from tools.channel import Channel, transmit

ROOT = Path(__file__).resolve().parents[1]
MOST_LOSS = 12.0
FEWEST = 8
"""A phone heard less often than this takes its confusions from a line through what was measured of others."""
WORST_PER_PHONE = 2.5
"""A sentence that fits no better than this was not aligned; its phones say nothing."""


def main() -> None:
    asked = arguments()
    head, encoder = PhoneHead(), Encoder(asked.whisper, 1, fitted=True)
    n = len(PHONES)
    near, count = np.zeros((n, n), np.int64), np.zeros(n, np.int64)
    skipped = 0
    with (asked.corpus / "manifest.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == "dev"]
    used = 0
    for number, row in enumerate(rows):
        speech, rate_hz = soundfile.read(asked.corpus / row["file"], dtype="float32")
        assert rate_hz == 16_000
        for seed in range(asked.copies):
            heard = transmit(speech, Channel(snr_db=asked.snr), seed=1000 * number + seed)
            pcm = np.asarray(heard * 32767, np.int16)
            evidence = read_phones(head, (encoder.encode(pcm, Window(0, len(pcm))),))
            losses = np.minimum(evidence.log_probs.max(axis=1, keepdims=True) - evidence.log_probs, MOST_LOSS)
            ways = []
            for phones in pronunciations(normalise(row["text"])):
                labels = np.array([PHONES.index(p) + 1 for p in phones])
                ways.append((*force(losses, labels), labels))
            cost, stretches, labels = min(ways, key=lambda way: way[0])
            if cost / len(labels) > WORST_PER_PHONE:
                continue
            used += 1
            for label, stretch in zip(labels - 1, stretches, strict=True):
                around = losses[max(0, stretch[0] - 1) : stretch[-1] + 2]
                apart = around[:, 1:].min(axis=0) - losses[stretch][:, label + 1].min()
                near[label] += apart < LEAD_NATS
                count[label] += 1
                skipped += float(losses[stretch, 0].sum()) < LEAD_NATS
        print(f"\r{number + 1}/{len(rows)}", end="", flush=True)
    print(f"\n{used} sentences, {count.sum()} phones, {int((count < FEWEST).sum())} phones too rare")
    shares = filled((near + 0.1) / (count + 1)[:, None], count)
    asked.out.write_text(
        json.dumps({
            "snr_db": asked.snr,
            "sentences": used,
            "phones": list(PHONES),
            "counts": count.tolist(),
            "lead_nats": LEAD_NATS,
            "skipped": round((skipped + 0.1) / (int(count.sum()) + 1), 4),
            "near": [[round(float(v), 4) for v in row] for row in shares],
        }).replace("], [", "],\n [")
        + "\n",
        encoding="utf-8",
    )  # fmt: skip
    print(f"written to {asked.out}")


def filled(shares: npt.NDArray[np.float64], count: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Rare phones' rows by a line from the hand-set costs to the log-odds measured of the others."""
    expected = hand_set()
    known = np.broadcast_to((count >= FEWEST)[:, None], shares.shape) & ~np.eye(len(count), dtype=bool)
    odds = np.log(shares / (1 - np.minimum(shares, 0.99)))
    slope, start = np.polyfit(expected[known], odds[known], 1)
    guessed = 1 / (1 + np.exp(-(start + slope * expected)))
    print(f"hand-set cost 0.3 is {1 / (1 + np.exp(-start - 0.3 * slope)):.3f} of the calls")
    shares = np.where((count < FEWEST)[:, None], guessed, shares)
    np.fill_diagonal(shares, 1.0)
    return shares


def hand_set() -> npt.NDArray[np.float64]:
    """The costs of `pinyin` between phones; an initial and a final have nothing in common."""
    from gateway.understand import pinyin  # noqa: PLC0415 - its tables by name

    names = {"ir": "ih", "iz": "ih", "y": "", "w": ""}
    costs = np.ones((len(PHONES), len(PHONES)))
    for listed, table in ((pinyin._INITIALS, initial_costs()), (pinyin._FINALS, final_costs())):  # noqa: SLF001
        at = {p: listed.index(names.get(p, p)) for p in PHONES if names.get(p, p) in listed}
        for p, i in at.items():
            for q, j in at.items():
                costs[PHONES.index(p), PHONES.index(q)] = table[i, j]
    return costs


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", type=Path, default=ROOT / ".cache" / "corpus")
    parser.add_argument("--whisper", type=Path, required=True, help="the folder of whisper-base")
    parser.add_argument("--snr", type=float, default=12.0, help="dB")
    parser.add_argument("--copies", type=int, default=2, help="channels per sentence")
    parser.add_argument("--out", type=Path, default=ROOT / "config" / "phone-confusions.json")
    return parser.parse_args()


if __name__ == "__main__":
    main()
