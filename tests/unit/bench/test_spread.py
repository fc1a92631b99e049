import pytest

from bench.spread import Spread, percentile


def test_a_percentile_is_a_value_that_was_measured() -> None:
    assert percentile([4.0, 1.0, 3.0, 2.0], 0.5) == 2.0


def test_the_95th_of_100_is_exceeded_by_five() -> None:
    assert percentile([float(each) for each in range(1, 101)], 0.95) == 95.0


def test_the_highest_percentile_is_the_maximum() -> None:
    assert percentile([3.0, 1.0], 1.0) == 3.0


def test_there_is_no_percentile_of_nothing() -> None:
    with pytest.raises(ValueError, match="no values"):
        percentile([], 0.5)


def test_the_spread_of_an_even_number_has_its_median_in_between() -> None:
    assert Spread.of([1.0, 4.0, 2.0, 9.0]) == Spread(3.0, lowest=1.0, highest=9.0, count=4)


def test_the_spread_of_one_is_that_one() -> None:
    assert Spread.of([7.0]) == Spread(7.0, lowest=7.0, highest=7.0, count=1)
