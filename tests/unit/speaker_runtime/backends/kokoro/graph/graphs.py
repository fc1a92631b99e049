"""Small graphs of the shapes that are rewritten, and what they compute."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper, numpy_helper
from onnxruntime import InferenceSession, SessionOptions

CHANNELS = 8


def graph(nodes: Sequence[NodeProto], constants: Mapping[str, Any]) -> onnx.ModelProto:
    """A graph from the input ``x`` to the output ``y``."""
    made = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, CHANNELS, "frames"])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)


def normalization(axis: int = 2) -> onnx.ModelProto:
    """Adaptive instance normalisation, spelled out twice of the same samples."""
    chance = np.random.default_rng(1)
    nodes = [
        helper.make_node("ReduceMean", ["x", "axis"], ["mean"]),
        helper.make_node("Sub", ["x", "mean"], ["centred"]),
        helper.make_node("Mul", ["centred", "centred"], ["squares"]),
        helper.make_node("ReduceMean", ["squares", "axis"], ["variance"]),
        helper.make_node("Add", ["variance", "epsilon"], ["positive"]),
        helper.make_node("Sqrt", ["positive"], ["deviation"]),
        helper.make_node("Div", ["centred", "deviation"], ["normalized"]),
        helper.make_node("Mul", ["scale", "normalized"], ["scaled"]),
        helper.make_node("Add", ["scaled", "shift"], ["first"]),
        helper.make_node("Mul", ["normalized", "shift"], ["scaled2"]),
        helper.make_node("Add", ["scale", "scaled2"], ["second"]),
        helper.make_node("Sub", ["first", "second"], ["y"]),
    ]
    return graph(
        nodes,
        {
            "axis": np.array([axis], np.int64),
            "epsilon": np.float32(1e-5),
            "scale": chance.standard_normal((1, CHANNELS, 1)).astype(np.float32),
            "shift": chance.standard_normal((1, CHANNELS, 1)).astype(np.float32),
        },
    )


def snake(*, exponent: float = 2.0, elsewhere: bool = False) -> onnx.ModelProto:
    """A snake behind a normalisation, of which perhaps somebody else makes use, too."""
    chance = np.random.default_rng(2)
    alpha = chance.uniform(0.2, 2.0, (1, CHANNELS, 1)).astype(np.float32)
    nodes = [
        helper.make_node("InstanceNormalization", ["x", "scale", "shift"], ["n"], epsilon=1e-5),
        helper.make_node("Mul", ["alpha", "n"], ["stretched"]),
        helper.make_node("Sin", ["stretched"], ["sine"]),
        helper.make_node("Pow", ["sine", "exponent"], ["square"]),
        helper.make_node("Mul", ["inverse", "square"], ["scaled"]),
        helper.make_node("Add", ["n", "scaled"], ["sum"]),
        helper.make_node("Mul", ["sum", "n"] if elsewhere else ["sum", "alpha"], ["y"]),
    ]
    return graph(
        nodes,
        {
            "exponent": np.float32(exponent),
            "alpha": alpha,
            "inverse": 1 / alpha,
            "scale": chance.standard_normal(CHANNELS).astype(np.float32),
            "shift": chance.standard_normal(CHANNELS).astype(np.float32),
        },
    )


def biased(*, follower: str = "InstanceNormalization") -> onnx.ModelProto:
    """A convolution of integers with a bias, and what follows it."""
    chance = np.random.default_rng(3)
    following = (
        ["numbers", "scale", "shift"] if follower == "InstanceNormalization" else ["numbers"]
    )
    nodes = [
        helper.make_node("DynamicQuantizeLinear", ["x"], ["quantized", "step", "zero"]),
        helper.make_node("ConvInteger", ["quantized", "kernel", "zero"], ["sums"]),
        helper.make_node("Add", ["sums", "bias"], ["biased"]),
        helper.make_node("Cast", ["biased"], ["cast"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["cast", "step"], ["numbers"]),
        helper.make_node(follower, following, ["y"]),
    ]
    return graph(
        nodes,
        {
            "kernel": chance.integers(0, 255, (CHANNELS, CHANNELS, 3)).astype(np.uint8),
            "bias": chance.integers(-9000, 9000, (1, CHANNELS, 1)).astype(np.int32),
            "scale": chance.standard_normal(CHANNELS).astype(np.float32),
            "shift": chance.standard_normal(CHANNELS).astype(np.float32),
        },
    )


def spectrum(samples: int = 20, step: int = 5) -> onnx.ModelProto:
    """The short spectra of the first channel."""
    window = np.hanning(samples + 1)[:-1].astype(np.float32)
    nodes = [
        helper.make_node("Slice", ["x", "zero", "one", "one"], ["channel"]),
        helper.make_node("Squeeze", ["channel", "one"], ["signal"]),
        helper.make_node("STFT", ["signal", "step", "window", "samples"], ["y"], onesided=1),
    ]
    return graph(
        nodes,
        {
            "zero": np.array([0], np.int64),
            "one": np.array([1], np.int64),
            "step": np.int64(step),
            "window": window,
            "samples": np.int64(samples),
        },
    )


def operators(model: bytes) -> list[str]:
    """The operators of a graph's nodes."""
    return [node.op_type for node in onnx.load_from_string(model).graph.node]


def run(model: bytes, x: NDArray[np.float32]) -> NDArray[np.float32]:
    """What the graph makes of ``x``."""
    options = SessionOptions()
    options.log_severity_level = 3
    session = InferenceSession(model, options, providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {"x": x})[0])


def samples(frames: int) -> NDArray[np.float32]:
    """Noise of shape (1, channels, frames)."""
    chance = np.random.default_rng(frames)
    return chance.standard_normal((1, CHANNELS, frames)).astype(np.float32)
