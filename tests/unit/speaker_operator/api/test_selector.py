"""Label selectors choose as Kubernetes' own do."""

import pytest

from speaker_operator.api.v1alpha1.common import LabelSelector

LABELS = {"team": "media", "tier": "gold"}


def selector(**fields: object) -> LabelSelector:
    return LabelSelector.model_validate(fields)


def expression(key: str, operator: str, *values: str) -> LabelSelector:
    requirement = {"key": key, "operator": operator, "values": list(values)}
    return selector(matchExpressions=[requirement])


def test_an_empty_selector_chooses_everything() -> None:
    assert LabelSelector().matches({})


@pytest.mark.parametrize(
    ("chosen", "matches"),
    [
        (selector(matchLabels={"team": "media"}), True),
        (selector(matchLabels={"team": "media", "tier": "silver"}), False),
        (selector(matchLabels={"other": ""}), False),
        (expression("team", "In", "media", "sales"), True),
        (expression("team", "In", "sales"), False),
        (expression("other", "In", "x"), False),
        (expression("team", "NotIn", "sales"), True),
        (expression("team", "NotIn", "media"), False),
        (expression("other", "NotIn", "x"), True),
        (expression("team", "Exists"), True),
        (expression("other", "Exists"), False),
        (expression("team", "DoesNotExist"), False),
        (expression("other", "DoesNotExist"), True),
    ],
)
def test_conditions(chosen: LabelSelector, matches: bool) -> None:
    assert chosen.matches(LABELS) is matches


def test_all_conditions_must_hold() -> None:
    chosen = selector(
        matchLabels={"team": "media"},
        matchExpressions=[{"key": "tier", "operator": "DoesNotExist"}],
    )
    assert not chosen.matches(LABELS)
