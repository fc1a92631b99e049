"""Kokoro's graph, rewritten so that it says the same with less work.

The exported graph is kept as it was fetched; what is loaded is made from it in memory. A rewrite
looks for the shape of what it improves, not for names, and leaves a graph alone that has none: an
export of somebody's own works, too, at its own speed.
"""

from pathlib import Path

import onnx

from speaker_runtime.backends.kokoro.graph.activation import fold_activations
from speaker_runtime.backends.kokoro.graph.bias import drop_needless_biases
from speaker_runtime.backends.kokoro.graph.editing import Graph
from speaker_runtime.backends.kokoro.graph.normalization import fuse_normalizations
from speaker_runtime.backends.kokoro.graph.spectrum import convolve_spectra


def rewritten(path: Path) -> bytes:
    """The graph of the file ``path``, rewritten and serialised.

    Raises:
        OSError: The file cannot be read.
        google.protobuf.message.DecodeError: It is no ONNX graph.
    """
    graph = Graph(onnx.load(path))
    fuse_normalizations(graph)
    fold_activations(graph)
    drop_needless_biases(graph)
    convolve_spectra(graph)
    return graph.to_bytes()
