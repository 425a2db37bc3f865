"""Train the phone head on frames from `tools.phonehead.features`, with CTC, on the CPU, seeded.

python -m tools.phonehead.train OUT.pt FEATURES... [--groups open,human] [--epochs 14] [--onnx HEAD.onnx]
"""

import argparse
import copy
import hashlib
import json
import math
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from gateway.understand.phones import PHONES
from tools.phonehead.head import BLOCKS, Head, to_onnx

FRAMES_IN_BATCH = 9_000
AVERAGE = 0.997
KERNELS_EVERY = 4
"""The kernels along time are moved at every so many steps: their gradient costs as much as all matrices."""
WARM_UP = 0.1
FIRST_JUDGED = "030000"
"""Clips before this one are all trained on: heads were judged on other things when they were made."""
MOST_NOISE = 0.35
"""The most Gaussian noise a clip's frames get, as a part of a frame's own deviation."""
HALF = torch.cpu._is_avx512_bf16_supported()  # noqa: SLF001 - half precision is slower without it


NOISE = torch.randn(6_000, 512, generator=torch.Generator().manual_seed(0))


@dataclass(frozen=True, slots=True)
class Example:
    """Frames [time, 512] of one clip and the columns of its phones."""

    frames: npt.NDArray[np.float16]
    labels: list[int]
    share: float = 1.0
    """Of this part of the epochs the clip is in."""


def kept_back(clip: str) -> bool:
    """Whether a clip is for judging and not for training."""
    return clip >= FIRST_JUDGED and zlib.crc32(clip.encode()) % 16 == 0


def load(folders: list[Path], groups: set[str], share: float = 1.0, *, judged: bool = False) -> list[Example]:
    """All clips of the groups that CTC can align (a frame for each phone, and a blank between equal ones).

    `judged` gives those kept back instead.
    """
    found = []
    for folder in folders:
        for rows in sorted(folder.glob("*.json")):
            frames = np.load(rows.with_suffix(".npy"), mmap_mode="r")
            for row in json.loads(rows.read_text()):
                labels = row["labels"]
                need = len(labels) + sum(a == b for a, b in pairwise(labels))
                if row["group"] not in groups or kept_back(row.get("clip", "")) != judged:
                    continue
                if need < row["frames"]:
                    own = np.array(frames[row["at"] : row["at"] + row["frames"]])
                    found.append(Example(own, labels, share))
    return found


def batches(examples: list[Example], rng: np.random.Generator) -> Iterator[list[Example]]:
    """Clips of like length together, about FRAMES_IN_BATCH frames each, in random order."""
    chosen = [i for i, e in enumerate(examples) if rng.random() < e.share]
    order = sorted(chosen, key=lambda i: len(examples[i].frames) + rng.uniform(0, 30))
    groups: list[list[Example]] = [[]]
    longest = 0
    for i in order:
        longest = max(longest, len(examples[i].frames))
        if groups[-1] and longest * (len(groups[-1]) + 1) > FRAMES_IN_BATCH:
            groups.append([])
            longest = len(examples[i].frames)
        groups[-1].append(examples[i])
    for k in rng.permutation(len(groups)):
        yield groups[k]


def tensors(batch: list[Example], rng: np.random.Generator | None) -> tuple[Tensor, Tensor, Tensor]:
    """Padded frames, mask and lengths; with `rng` stretches are silenced, noise is added."""
    lengths = torch.tensor([len(e.frames) for e in batch])
    frames = torch.zeros(len(batch), int(lengths.max()), 512)
    mask = torch.zeros(len(batch), int(lengths.max()), 1)
    for k, example in enumerate(batch):
        frames[k, : len(example.frames)] = torch.from_numpy(example.frames.astype(np.float32))
        mask[k, : len(example.frames)] = 1
        if rng is not None:
            if rng.random() < 0.5:
                at = int(rng.integers(len(NOISE) - len(example.frames)))
                spread = float(rng.uniform(0, MOST_NOISE)) * frames[k, : len(example.frames)].std()
                frames[k, : len(example.frames)].add_(
                    NOISE[at : at + len(example.frames)], alpha=float(spread)
                )
            for _ in range(int(rng.integers(0, 4))):
                start = int(rng.integers(0, len(example.frames)))
                frames[k, start : start + int(rng.integers(2, 10))] = 0
    return frames, mask, lengths


@dataclass(frozen=True, slots=True)
class Plan:
    """How long to train: `epochs`, or `minutes` by the clock where that is not None, and how fast."""

    epochs: int
    minutes: float | None
    rate: float

    def rate_at(self, share: float) -> float:
        """The learning rate when `share` of the plan is done: up for a tenth, then down along a cosine."""
        if share < WARM_UP:
            return self.rate * (0.04 + 0.96 * share / WARM_UP)
        return self.rate * max(1e-3, (1 + math.cos(math.pi * (share - WARM_UP) / (1 - WARM_UP))) / 2)


def begun(initial: Path | None, blocks: int) -> Head:
    """A head of so many blocks, from `initial` if given: blocks that it has not change nothing at first."""
    head = Head(len(PHONES) + 1, blocks)
    if initial is not None:
        known = torch.load(initial, weights_only=True)
        for number in range(blocks):
            if f"blocks.{number}.down.weight" not in known:
                nn.init.zeros_(head.blocks[number].down.weight)
                nn.init.zeros_(head.blocks[number].down.bias)
        head.load_state_dict(known, strict=False)
    return head


def judge(head: Head, examples: list[Example]) -> float:
    """Mean CTC loss a phone on clips that were not trained on."""
    ctc = nn.CTCLoss(reduction="sum", zero_infinity=True)
    total = phones = 0.0
    head.eval()
    with torch.no_grad():
        for batch in batches(examples, np.random.default_rng(0)):
            frames, mask, lengths = tensors(batch, None)
            targets = torch.tensor([label for e in batch for label in e.labels])
            sizes = torch.tensor([len(e.labels) for e in batch])
            with torch.autocast("cpu", torch.bfloat16, enabled=HALF):
                heard = head(frames, mask)
            total += ctc(heard.transpose(0, 1), targets, lengths, sizes).item()
            phones += len(targets)
    return total / max(phones, 1)


def train(examples: list[Example], judged: list[Example], plan: Plan, seed: int, head: Head) -> Head:
    """Fit `head`; what comes back is the moving average of its weights."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    average = copy.deepcopy(head)
    kernels = [p for name, p in head.named_parameters() if ".near." in name]
    steps = plan.epochs * sum(1 for _ in batches(examples, np.random.default_rng(0)))
    optimiser = torch.optim.AdamW(head.parameters(), plan.rate, weight_decay=0.02)
    ctc = nn.CTCLoss(zero_infinity=True)
    started, done, share, epoch = time.monotonic(), 0, 0.0, 0
    while share < 1:
        head.train()
        began, total, count = time.monotonic(), 0.0, 0
        for batch in batches(examples, rng):
            for kernel in kernels:
                kernel.requires_grad_(done % KERNELS_EVERY == 0)
            frames, mask, lengths = tensors(batch, rng)
            targets = torch.tensor([label for e in batch for label in e.labels])
            sizes = torch.tensor([len(e.labels) for e in batch])
            with torch.autocast("cpu", torch.bfloat16, enabled=HALF):
                heard = head(frames, mask)
            loss = ctc(heard.transpose(0, 1), targets, lengths, sizes)
            optimiser.zero_grad()
            loss.backward()
            for group in optimiser.param_groups:
                group["lr"] = plan.rate_at(share)
            nn.utils.clip_grad_norm_(head.parameters(), 5.0)
            optimiser.step()
            done += 1
            passed_min = (time.monotonic() - started) / 60
            share = done / steps if plan.minutes is None else passed_min / plan.minutes
            keep = min(AVERAGE, done / (done + 20))
            with torch.no_grad():
                for mean, now in zip(average.parameters(), head.parameters(), strict=True):
                    mean.lerp_(now, 1 - keep)
            total, count = total + loss.item(), count + 1
            if share >= 1:
                break
        took_s, kept = time.monotonic() - began, judge(average, judged)
        print(f"epoch {epoch}: loss {total / count:.3f}, kept back {kept:.4f}, {took_s:.0f} s", flush=True)
        epoch += 1
    average.eval()
    return average


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("features", type=Path, nargs="+")
    parser.add_argument(
        "--less", type=Path, nargs="*", default=[], help="folders known by the weights gone on from"
    )
    parser.add_argument("--less-share", type=float, default=0.4, help="so much of them is in an epoch")
    parser.add_argument("--blocks", type=int, default=BLOCKS)
    parser.add_argument("--groups", default="open,all,human")
    parser.add_argument("--epochs", type=int, default=14)
    parser.add_argument("--minutes", type=float, help="train this long instead, whatever the machine does")
    parser.add_argument("--rate", type=float, default=3e-3, help="the highest learning rate")
    parser.add_argument("--initial", type=Path, help="weights to go on from")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--onnx", type=Path)
    parser.add_argument(
        "--temperature", type=float, default=1.0, help="softens what is exported; choose it on held-out calls"
    )
    parser.add_argument("--export-only", action="store_true", help="write --onnx from OUT.pt as it is")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    if arguments.export_only:
        head = Head(len(PHONES) + 1, arguments.blocks)
        head.load_state_dict(torch.load(arguments.out, weights_only=True))
        export(head, arguments.onnx, arguments.temperature)
        return
    groups = set(arguments.groups.split(","))
    examples = load(arguments.features, groups) + load(arguments.less, groups, arguments.less_share)
    judged = load(arguments.features, groups, judged=True)
    minutes = sum(len(e.frames) for e in examples) * 0.02 / 60
    print(f"{len(examples)} clips, {minutes:.0f} minutes", flush=True)
    plan = Plan(arguments.epochs, arguments.minutes, arguments.rate)
    head = train(examples, judged, plan, arguments.seed, begun(arguments.initial, arguments.blocks))
    torch.save(head.state_dict(), arguments.out)
    if arguments.onnx:
        export(head, arguments.onnx, arguments.temperature)


def export(head: Head, path: Path, temperature: float = 1.0) -> None:
    """Write the ONNX and beside it the JSON that names its columns and its SHA-256.

    A head trained for long is surer of its training speech than of anybody else's; `temperature` divides what
    goes into the softmax, so that its probabilities are true of held-out calls.
    """
    with torch.no_grad():
        head.out.weight /= temperature
        head.out.bias /= temperature
    packed = to_onnx(head, {"phones": " ".join(PHONES)}).SerializeToString()
    path.write_bytes(packed)
    card = {"phones": list(PHONES), "frame_s": 0.02, "sha256": hashlib.sha256(packed).hexdigest()}
    path.with_suffix(".json").write_text(json.dumps(card, indent=1) + "\n")


if __name__ == "__main__":
    main()
