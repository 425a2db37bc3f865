"""The phone head: a small convolutional network over Whisper's encoder frames, and its ONNX form."""

from typing import Any

import numpy as np
import onnx
import torch
from onnx import helper, numpy_helper
from torch import Tensor, nn

WIDTH = 224
HIDDEN = 352
BLOCKS = 6
KERNEL = 13
ENCODER_WIDTH = 512
EPSILON = 1e-5


class Block(nn.Module):
    """Looks KERNEL // 2 frames each way, then mixes channels; added to what came in."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(WIDTH, EPSILON)
        self.near = nn.Conv1d(WIDTH, WIDTH, KERNEL, padding=KERNEL // 2, groups=WIDTH)
        self.up = nn.Linear(WIDTH, HIDDEN)
        self.down = nn.Linear(HIDDEN, WIDTH)
        self.drop = nn.Dropout1d(0.05)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Frames [batch, time, WIDTH]; `mask` is 0 on padding so that it leaks into nothing."""
        y = self.near((self.norm(x) * mask).transpose(1, 2)).transpose(1, 2)
        return x + dropped(self.drop, self.down(torch.relu(self.up(y))))


def dropped(drop: nn.Dropout1d, x: Tensor) -> Tensor:
    """`x` [batch, time, features] with some features left out of whole clips, which is cheap to draw."""
    return x * drop(torch.ones(x.shape[0], x.shape[2], 1)).transpose(1, 2) if drop.training else x


class Head(nn.Module):
    """Encoder frames [batch, time, 512] to log-probabilities [batch, time, phones + blank]."""

    def __init__(self, outputs: int, blocks: int = BLOCKS) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(ENCODER_WIDTH, EPSILON)
        self.enter = nn.Linear(ENCODER_WIDTH, WIDTH)
        self.blocks = nn.ModuleList(Block() for _ in range(blocks))
        self.leave = nn.LayerNorm(WIDTH, EPSILON)
        self.out = nn.Linear(WIDTH, outputs)
        self.drop_in = nn.Dropout1d(0.15)
        self.drop_out = nn.Dropout1d(0.2)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """`mask` [batch, time, 1] is 1 where there is audio."""
        y = torch.relu(self.enter(dropped(self.drop_in, self.norm(x))))
        for block in self.blocks:
            y = block(y, mask)
        scores: Tensor = self.out(dropped(self.drop_out, self.leave(y)))
        return scores.float().log_softmax(-1)


def to_onnx(head: Head, metadata: dict[str, str]) -> onnx.ModelProto:
    """The head as ONNX: input `frames` [time, 512], output `log_probs` [time, phones + blank].

    Matrices are kept in half precision, which halves the file, and reckoned with in single.
    """
    weights = {
        name: value.detach().cpu().numpy().astype(np.float32) for name, value in head.state_dict().items()
    }
    nodes: list[onnx.NodeProto] = []
    constants: list[onnx.TensorProto] = []

    def constant(name: str, value: np.ndarray) -> str:
        if value.dtype != np.float32 or value.ndim < 2:
            constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
            return name
        half = np.ascontiguousarray(value.astype(np.float16))
        constants.append(numpy_helper.from_array(half, f"{name}.half"))
        nodes.append(helper.make_node("Cast", [f"{name}.half"], [name], name, to=onnx.TensorProto.FLOAT))
        return name

    def node(kind: str, inputs: list[str], **attributes: Any) -> str:
        name = f"{kind.lower()}{len(nodes)}"
        nodes.append(helper.make_node(kind, inputs, [name], name, **attributes))
        return name

    def norm(x: str, at: str) -> str:
        scale, bias = (constant(f"{at}.{part}", weights[f"{at}.{part}"]) for part in ("weight", "bias"))
        return node("LayerNormalization", [x, scale, bias], axis=-1, epsilon=EPSILON)

    def linear(x: str, at: str) -> str:
        product = node("MatMul", [x, constant(f"{at}.weight", weights[f"{at}.weight"].T)])
        return node("Add", [product, constant(f"{at}.bias", weights[f"{at}.bias"])])

    one = constant("first_axis", np.array([0], np.int64))
    y = node("Relu", [linear(norm("frames", "norm"), "enter")])
    for number in range(len(head.blocks)):
        at = f"blocks.{number}"
        z = node("Transpose", [norm(y, f"{at}.norm")], perm=[1, 0])
        near = [constant(f"{at}.near.{part}", weights[f"{at}.near.{part}"]) for part in ("weight", "bias")]
        pads = [KERNEL // 2, KERNEL // 2]
        z = node("Conv", [node("Unsqueeze", [z, one]), *near], group=WIDTH, kernel_shape=[KERNEL], pads=pads)
        z = node("Transpose", [node("Squeeze", [z, one])], perm=[1, 0])
        z = linear(node("Relu", [linear(z, f"{at}.up")]), f"{at}.down")
        y = node("Add", [y, z])
    scores = linear(norm(y, "leave"), "out")
    nodes.append(helper.make_node("LogSoftmax", [scores], ["log_probs"], "log_probs", axis=-1))
    outputs = weights["out.bias"].shape[0]
    graph = helper.make_graph(
        nodes,
        "phonehead",
        [helper.make_tensor_value_info("frames", onnx.TensorProto.FLOAT, ["time", ENCODER_WIDTH])],
        [helper.make_tensor_value_info("log_probs", onnx.TensorProto.FLOAT, ["time", outputs])],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, metadata)
    onnx.checker.check_model(model)
    return model
