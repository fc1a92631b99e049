"""Every reason has a meaning and a remedy, and every one of them is given somewhere."""

import ast
from pathlib import Path

import pytest

from speaker_operator.explained import Standing
from speaker_operator.reasons import BY_WORD, Reason

PACKAGE = "operator/speaker_operator"
REGISTRY = "reasons.py"


def test_a_word_stands_for_one_reason_and_is_one_word() -> None:
    assert len(BY_WORD) == len(Reason.__members__)
    assert all(word.isalpha() and word[0].isupper() for word in BY_WORD)


@pytest.mark.parametrize("reason", Reason)
def test_a_meaning_is_a_sentence_and_a_remedy_can_follow_one(reason: Reason) -> None:
    assert reason.meaning.endswith(".")
    assert reason.remedy
    assert reason.remedy[0].islower()
    assert not reason.remedy.endswith(".")
    if reason.standing is Standing.WRONG:
        assert reason.remedy not in {"do nothing", "wait"}


def test_what_is_wrong_is_told_with_its_remedy_once() -> None:
    told = Reason.NO_SPACE.told("the volume is full.")
    assert told == "the volume is full; raise spec.cache.size"
    assert Reason.NO_SPACE.told(told) == told


def test_what_is_not_wrong_is_told_as_it_is() -> None:
    assert Reason.STARTING.told("No pod serves yet.") == "No pod serves yet."


def test_every_reason_of_the_registry_is_given_somewhere(repository: Path) -> None:
    given = {
        node.attr
        for file in (repository / PACKAGE).rglob("*.py")
        if file.name != REGISTRY
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "Reason"
    }
    assert given == set(Reason.__members__)


def test_no_reason_is_given_past_the_registry(repository: Path) -> None:
    """Types keep strings out of where reasons go; nobody may talk them into it."""
    past = [
        f"{file.name}:{node.lineno}"
        for file in (repository / PACKAGE).rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "cast"
        and ast.unparse(node.args[0]) == "Reason"
    ]
    assert past == []


def test_the_troubleshooting_page_has_an_anchor_for_every_reason(repository: Path) -> None:
    page = (repository / "docs/troubleshooting.md").read_text("utf-8")
    assert all(f'<a id="{word.lower()}"></a>`{word}`' in page for word in BY_WORD)
