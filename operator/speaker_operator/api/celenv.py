"""Evaluate the API's CEL rules outside the API server, with the functions that it adds to CEL."""

from functools import cache
from typing import Any

from cel_expr_python import cel  # type: ignore[import-untyped] # ships stubs, no py.typed

from speaker_operator.api.quantity import is_quantity, parse_quantity


def holds(rule: str, value: Any) -> bool:
    """Whether a rule holds for a JSON value; a rule that cannot be evaluated does not hold."""
    return _compiled(rule).eval(data={"self": value}).value() is True


@cache
def _compiled(rule: str) -> cel.Expression:
    # The rules are the fixed ones of the API, so the cache is bounded by their number.
    return _environment().compile(rule)


@cache
def _environment() -> cel.Env:
    """CEL with Kubernetes' quantity library; a quantity is a double here, in its base unit."""
    text, number = cel.Type.STRING, cel.Type.DOUBLE
    functions = [
        _function("isQuantity", [text], cel.Type.BOOL, is_quantity),
        _function("quantity", [text], number, lambda quantity: float(parse_quantity(quantity))),
        _method("compareTo", [number, number], cel.Type.INT, lambda a, b: (a > b) - (a < b)),
        _method("isGreaterThan", [number, number], cel.Type.BOOL, lambda a, b: a > b),
    ]
    return cel.NewEnv(variables={"self": cel.Type.DYN}, functions=functions)


def _function(name: str, parameters: list[Any], result: Any, implementation: Any) -> Any:
    overload = cel.Overload(f"k8s_{name}", result, parameters, False, implementation)
    return cel.FunctionDecl(name, [overload])


def _method(name: str, parameters: list[Any], result: Any, implementation: Any) -> Any:
    overload = cel.Overload(f"k8s_{name}", result, parameters, True, implementation)
    return cel.FunctionDecl(name, [overload])
