"""A deployment's own words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speaker_runtime.text.lexicon import Lexicon
from speaker_runtime.text.phonemes import WrongPhonemesError


def shown(word: str, ipa: str) -> str:
    return f"<{word}={ipa}>"


WORDS = Lexicon(
    {"kubectl": "cube control", "SQL": "sequel", "SQL Server": "S Q L server", "C++": "C"}
)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Run kubectl.", "Run cube control."),
        ("KUBECTL and Sql", "cube control and sequel"),
        ("mysql or kubectls", "mysql or kubectls"),
        ("SQL Server 2022", "S Q L server 2022"),
        ("C++ is C++.", "C is C."),
        ("(SQL)", "(sequel)"),
        ("nothing here", "nothing here"),
    ],
)
def test_a_word_is_respelled_where_it_stands_alone(text: str, said: str) -> None:
    assert WORDS.respell(text, shown) == said


def test_what_is_said_is_not_looked_up_again() -> None:
    assert Lexicon({"a": "b", "b": "a"}).respell("a b", shown) == "b a"


@given(st.text())
def test_an_empty_lexicon_changes_nothing(text: str) -> None:
    assert Lexicon({}).respell(text, shown) == text


@given(
    st.dictionaries(st.text(min_size=1), st.text(st.characters(exclude_characters="/"))), st.text()
)
def test_any_word_may_be_in_it(words: dict[str, str], text: str) -> None:
    assert isinstance(Lexicon(words).respell(text, shown), str)


def test_a_word_may_have_phonemes() -> None:
    words = Lexicon({"nginx": "/ˈɛndʒənˌɛks/", "SQL": "sequel"})
    assert words.respell("NGINX, SQL", shown) == "<NGINX=ˈɛndʒənˌɛks>, sequel"


def test_what_stands_between_slashes_must_be_phonemes() -> None:
    with pytest.raises(WrongPhonemesError, match=r"'nginx': 'Ω' is no sound"):
        Lexicon({"nginx": "/Ω/"})
