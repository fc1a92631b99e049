"""A rewritten graph computes what the exported one does."""

import numpy as np
import onnx

from speaker_runtime.backends.kokoro.graph.editing import Graph
from speaker_runtime.backends.kokoro.graph.normalization import fuse_normalizations
from tests.unit.speaker_runtime.backends.kokoro.graph import graphs


def fused(model: onnx.ModelProto) -> bytes:
    graph = Graph(model)
    fuse_normalizations(graph)
    return graph.to_bytes()


def test_a_normalization_that_is_spelled_out_becomes_one_node_for_each_use() -> None:
    exported = graphs.normalization()
    before, x = exported.SerializeToString(), graphs.samples(300)
    after = fused(exported)
    assert graphs.operators(after).count("InstanceNormalization") == 2
    assert not {"Sqrt", "Div"} & set(graphs.operators(after))
    np.testing.assert_allclose(graphs.run(after, x), graphs.run(before, x), atol=1e-4)


def test_a_normalization_over_channels_stays_as_it_is() -> None:
    exported = graphs.normalization(axis=1)
    before, x = exported.SerializeToString(), graphs.samples(30)
    after = fused(exported)
    assert "InstanceNormalization" not in graphs.operators(after)
    np.testing.assert_array_equal(graphs.run(after, x), graphs.run(before, x))
