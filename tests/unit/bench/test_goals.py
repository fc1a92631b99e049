import pytest

from bench.goals import GOALS, Bound, Goal, Name


@pytest.mark.parametrize(
    ("bound", "good", "bad"),
    [
        (Bound.AT_LEAST, 2.0, 1.9),
        (Bound.AT_MOST, 2.0, 2.1),
        (Bound.BELOW, 1.9, 2.0),
        (Bound.EXACTLY, 2.0, 1.0),
    ],
)
def test_a_goal_holds_on_the_good_side_of_its_limit(bound: Bound, good: float, bad: float) -> None:
    goal = Goal("it", bound, 2.0)
    assert goal.holds(good)
    assert not goal.holds(bad)


def test_a_goal_tells_its_limit_with_the_unit() -> None:
    assert str(Goal("it", Bound.BELOW, 5, "ms")) == "< 5 ms"


def test_every_name_has_a_goal() -> None:
    assert set(GOALS) == set(Name)
