"""Biases that a normalisation takes away again are not added."""

from onnx import NodeProto

from speaker_runtime.backends.kokoro.graph.editing import Graph


def drop_needless_biases(graph: Graph) -> None:
    """Leave out what is added to whole channels right in front of a normalisation over them.

    The sums of a convolution of integers get their bias, become floating-point numbers, and are
    scaled; the normalisation then takes the mean of each channel away, and with it the bias.
    """
    for scaling in graph.nodes("Mul"):
        if not graph.users(scaling.output[0], "InstanceNormalization"):
            continue
        for place, name in enumerate(scaling.input):
            cast = graph.maker(name, "Cast")
            biased = graph.maker(cast.input[0], "Add") if cast else None
            sums = _sums(graph, biased) if biased else None
            if cast is None or sums is None:
                continue
            numbers = graph.add("Cast", sums, to=graph.attribute(cast, "to"))
            factors = [str(each) for each in scaling.input]
            factors[place] = numbers
            graph.replace(scaling.output[0], graph.add("Mul", *factors))
            break


def _sums(graph: Graph, biased: NodeProto) -> str | None:
    """The sums of a convolution to which a bias is added."""
    for name in biased.input:
        if graph.maker(name, "ConvInteger") is not None:
            return str(name)
    return None
