"""A rewritten graph computes what the exported one does."""

from collections.abc import Callable

import numpy as np
import onnx
import pytest

from speaker_runtime.backends.kokoro.graph.activation import fold_activations
from speaker_runtime.backends.kokoro.graph.bias import drop_needless_biases
from speaker_runtime.backends.kokoro.graph.editing import Graph
from speaker_runtime.backends.kokoro.graph.normalization import fuse_normalizations
from speaker_runtime.backends.kokoro.graph.spectrum import convolve_spectra
from tests.unit.speaker_runtime.backends.kokoro.graph import graphs


def rewritten(model: onnx.ModelProto, rewrite: Callable[[Graph], None]) -> bytes:
    graph = Graph(model)
    rewrite(graph)
    return graph.to_bytes()


def test_a_normalization_that_is_spelled_out_becomes_one_node_for_each_use() -> None:
    exported = graphs.normalization()
    before, x = exported.SerializeToString(), graphs.samples(300)
    after = rewritten(exported, fuse_normalizations)
    assert graphs.operators(after).count("InstanceNormalization") == 2
    assert not {"Sqrt", "Div"} & set(graphs.operators(after))
    np.testing.assert_allclose(graphs.run(after, x), graphs.run(before, x), atol=1e-4)


def test_a_normalization_over_channels_stays_as_it_is() -> None:
    exported = graphs.normalization(axis=1)
    before, x = exported.SerializeToString(), graphs.samples(30)
    after = rewritten(exported, fuse_normalizations)
    assert "InstanceNormalization" not in graphs.operators(after)
    np.testing.assert_array_equal(graphs.run(after, x), graphs.run(before, x))


def test_a_snake_is_scaled_by_the_normalization_before_it() -> None:
    exported = graphs.snake()
    before, x = exported.SerializeToString(), graphs.samples(300)
    after = rewritten(exported, fold_activations)
    assert "Pow" not in graphs.operators(after)
    assert len(_passes(after)) == len(_passes(before)) - 1
    np.testing.assert_allclose(graphs.run(after, x), graphs.run(before, x), atol=1e-4)


def test_a_normalization_that_others_use_scales_no_snake() -> None:
    exported = graphs.snake(elsewhere=True)
    before, x = exported.SerializeToString(), graphs.samples(300)
    after = rewritten(exported, fold_activations)
    assert len(_passes(after)) == len(_passes(before))
    np.testing.assert_allclose(graphs.run(after, x), graphs.run(before, x), atol=1e-5)


def test_another_power_than_the_square_stays_as_it_is() -> None:
    exported = graphs.snake(exponent=4.0)
    assert "Pow" in graphs.operators(rewritten(exported, fold_activations))


def test_a_bias_that_a_normalization_takes_away_is_not_added() -> None:
    exported = graphs.biased()
    before, x = exported.SerializeToString(), graphs.samples(300)
    after = rewritten(exported, drop_needless_biases)
    assert "Add" not in graphs.operators(after)
    np.testing.assert_allclose(graphs.run(after, x), graphs.run(before, x), atol=1e-4)


def test_a_bias_that_is_heard_stays() -> None:
    exported = graphs.biased(follower="Relu")
    assert "Add" in graphs.operators(rewritten(exported, drop_needless_biases))


@pytest.mark.parametrize(("samples", "step"), [(20, 5), (16, 4)])
def test_a_short_spectrum_is_a_convolution(samples: int, step: int) -> None:
    exported = graphs.spectrum(samples, step)
    before, x = exported.SerializeToString(), graphs.samples(300)
    after = rewritten(exported, convolve_spectra)
    assert "STFT" not in graphs.operators(after)
    np.testing.assert_allclose(graphs.run(after, x), graphs.run(before, x), atol=1e-4)


def test_a_bin_without_an_imaginary_part_turns_forwards() -> None:
    """As the model has learnt it: the general operator's rounding errors turn either way."""
    spectra = graphs.run(rewritten(graphs.spectrum(), convolve_spectra), graphs.samples(300))
    imaginary = spectra[..., [0, -1], 1]
    assert (imaginary > 0).all()
    assert (imaginary < 1e-6).all()


def test_a_long_spectrum_is_left_to_the_fast_transform() -> None:
    assert "STFT" in graphs.operators(rewritten(graphs.spectrum(128), convolve_spectra))


def _passes(model: bytes) -> list[str]:
    """The nodes that go over all samples, rather than over one value for each channel."""
    shapes = onnx.shape_inference.infer_shapes(onnx.load_from_string(model)).graph.value_info
    small = {each.name for each in shapes if len(each.type.tensor_type.shape.dim) == 1}
    nodes = onnx.load_from_string(model).graph.node
    return [node.op_type for node in nodes if node.output[0] not in small]
