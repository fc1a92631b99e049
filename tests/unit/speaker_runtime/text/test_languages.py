"""Which language a tag means."""

import pytest

from speaker_runtime.text.languages import find, is_tag


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("en", "en-US"),
        ("EN-us", "en-US"),
        ("en-GB", "en-GB"),
        ("en-AU", "en-US"),
        ("pt", "pt-BR"),
        ("de", None),
        ("e", None),
    ],
)
def test_a_tag_means_the_same_one_or_one_of_its_language(wanted: str, found: str | None) -> None:
    assert find(wanted, ("en-US", "en-GB", "pt-BR")) == found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("en", True),
        ("zh-Hant-TW", True),
        ("", False),
        ("english please", False),
        ("en_US", False),
        ("en-", False),
        ("en\n", False),
        ("en" + "-abc" * 10, False),
    ],
)
def test_a_tag_is_known_by_its_form(text: str, expected: bool) -> None:
    assert is_tag(text) is expected
