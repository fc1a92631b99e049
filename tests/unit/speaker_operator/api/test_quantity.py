"""Quantities and durations mean what Kubernetes takes them to mean."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speaker_operator.api.quantity import is_quantity, parse_duration, parse_quantity


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", "1"),
        (2, "2"),
        ("500m", "0.5"),
        ("0.5", "0.5"),
        (".5", "0.5"),
        ("1Gi", str(2**30)),
        ("1.5Gi", str(3 * 2**29)),
        ("1G", "1000000000"),
        ("12e3", "12000"),
        ("1E", "1e18"),
        ("-1Ki", "-1024"),
        ("100n", "1e-7"),
    ],
)
def test_quantities(text: str | int, value: str) -> None:
    assert parse_quantity(text) == Decimal(value)


@pytest.mark.parametrize("text", ["", "1 Gi", "1gi", "Gi", "1Gib", "e3", "1,5", "--1", "0x1"])
def test_what_is_no_quantity(text: str) -> None:
    assert not is_quantity(text)
    with pytest.raises(ValueError, match="write for example 500m or 1Gi"):
        parse_quantity(text)


@given(st.integers(min_value=0, max_value=10**6))
def test_a_thousand_millis_are_one(number: int) -> None:
    assert parse_quantity(f"{number * 1000}m") == parse_quantity(number)


@pytest.mark.parametrize(
    ("text", "seconds"), [("0s", 0), ("300s", 300), ("5m", 300), ("1h", 3600), ("1h30m5s", 5405)]
)
def test_durations(text: str, seconds: int) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "5", "5 m", "m", "1.5h", "1d", "-5m"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="write for example 300s, 5m or 1h"):
        parse_duration(text)
