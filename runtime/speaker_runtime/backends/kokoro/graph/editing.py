"""An ONNX graph that is being rewritten: who makes a value, who uses it, and what is constant."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, helper, numpy_helper


class Graph:
    """The graph of ``model``, which belongs to this object from now on.

    New nodes may be added in any order; :meth:`to_bytes` sorts them and leaves out what nobody
    uses any more.
    """

    def __init__(self, model: ModelProto) -> None:
        self._model = model
        self._constants = {each.name: each for each in model.graph.initializer}
        self._makers: dict[str, NodeProto] = {}
        self._users: defaultdict[str, list[NodeProto]] = defaultdict(list)
        self._made = 0
        for node in model.graph.node:
            self._index(node)

    def nodes(self, operator: str) -> Iterator[NodeProto]:
        """All nodes of an operator, as they are now."""
        found = {id(node): node for node in self._makers.values() if node.op_type == operator}
        return iter(list(found.values()))

    def maker(self, value: str, operator: str) -> NodeProto | None:
        """The node that makes ``value``, if it is one of ``operator``."""
        node = self._makers.get(value)
        return node if node is not None and node.op_type == operator else None

    def users(self, value: str, operator: str) -> list[NodeProto] | None:
        """The nodes that use ``value``, if each is one of ``operator``."""
        nodes = self._users[value]
        return nodes if all(node.op_type == operator for node in nodes) else None

    def only_user(self, value: str, operator: str) -> NodeProto | None:
        """The node that uses ``value``, if it is the only one, and one of ``operator``."""
        nodes = self._users[value]
        return nodes[0] if len(nodes) == 1 and nodes[0].op_type == operator else None

    def uses(self, value: str) -> list[NodeProto]:
        """The nodes that use ``value``."""
        return self._users[value]

    def attribute(self, node: NodeProto, name: str) -> Any:
        """An attribute's value, or nothing where the node leaves it to its default."""
        found = (each for each in node.attribute if each.name == name)
        return next(map(helper.get_attribute_value, found), None)

    def constant(self, name: str) -> NDArray[Any] | None:
        """A constant's value, or nothing if ``name`` is none."""
        stored = self._constants.get(name)
        return None if stored is None else numpy_helper.to_array(stored)

    def add_constant(self, value: NDArray[Any]) -> str:
        """Add a constant; returns its name."""
        name = self._name()
        self._constants[name] = numpy_helper.from_array(np.ascontiguousarray(value), name)
        return name

    def add(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """Add a node of one output; returns the output's name."""
        name = self._name()
        self._index(helper.make_node(operator, inputs, [name], **attributes))
        return name

    def replace(self, value: str, by: str) -> None:
        """Let everybody who uses ``value`` use ``by``."""
        for node in self._users.pop(value, []):
            node.input[:] = [by if each == value else each for each in node.input]
            self._users[by].append(node)
        if any(output.name == value for output in self._model.graph.output):
            self._index(helper.make_node("Identity", [by], [value]))

    def to_bytes(self) -> bytes:
        """Serialise what the outputs need of the graph."""
        graph = self._model.graph
        nodes = self._sorted([output.name for output in graph.output])
        used = {value for node in nodes for value in node.input}
        del graph.node[:]
        graph.node.extend(nodes)
        del graph.initializer[:]
        graph.initializer.extend(stored for name, stored in self._constants.items() if name in used)
        serialized: bytes = self._model.SerializeToString()
        return serialized

    def _sorted(self, outputs: list[str]) -> list[NodeProto]:
        """The nodes that ``outputs`` need, each after those that it needs itself."""
        result: list[NodeProto] = []
        begun: set[int] = set()
        waiting = [(name, False) for name in outputs]
        while waiting:
            name, ready = waiting.pop()
            node = self._makers.get(name)
            if node is None:
                continue
            if ready:
                result.append(node)
            elif id(node) not in begun:
                begun.add(id(node))
                waiting.append((name, True))
                waiting.extend((each, False) for each in node.input)
        return result

    def _index(self, node: NodeProto) -> None:
        for output in node.output:
            self._makers[output] = node
        for value in dict.fromkeys(node.input):
            self._users[value].append(node)

    def _name(self) -> str:
        self._made += 1
        return f"rewritten.{self._made}"
