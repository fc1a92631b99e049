"""Phonemes as people write them."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speaker_runtime.text.phonemes import Alphabet, WrongPhonemesError, as_ipa


@pytest.mark.parametrize(
    ("x_sampa", "ipa"),
    [
        ('t@"meItoU', "təˈmeɪtoʊ"),
        ('"p{t@n', "ˈpætən"),
        ("dZVdZ", "dʒʌdʒ"),
        ("TIN", "θɪŋ"),
        ("r\\E:d", "ɹɛːd"),
        ("3`", "ɝ"),
        ("n=", "n\u0329"),
        ("bO~", "bɔ\u0303"),
    ],
)
def test_x_sampa_means_ipa(x_sampa: str, ipa: str) -> None:
    assert as_ipa(x_sampa, Alphabet.X_SAMPA) == ipa


@pytest.mark.parametrize(
    ("written", "ipa"),
    [
        ("təˈmeɪtoʊ", "təˈmeɪtoʊ"),
        ("go: 'it", "ɡoː ˈit"),
        ("ɔ\u0303 ç", "ɔ\u0303 ç"),
        (" a  b ", "a b"),
    ],
)
def test_ipa_may_be_typed_with_the_signs_at_hand(written: str, ipa: str) -> None:
    assert as_ipa(written, Alphabet.IPA) == ipa


@pytest.mark.parametrize(
    ("written", "alphabet", "problem"),
    [
        ("hello!", Alphabet.IPA, "'!' is no sound of the alphabet ipa"),
        ("HH AH0", Alphabet.IPA, "'H' is no sound"),
        ("a;", Alphabet.X_SAMPA, "';' is no sound of the alphabet x-sampa"),
        ("", Alphabet.IPA, "hold no sound"),
        ("ˈ ː", Alphabet.IPA, "hold no sound"),
        ("a" * 201, Alphabet.IPA, "longer than 200"),
    ],
)
def test_what_is_no_phoneme_is_refused(written: str, alphabet: Alphabet, problem: str) -> None:
    with pytest.raises(WrongPhonemesError, match=problem):
        as_ipa(written, alphabet)


@given(st.text(max_size=30), st.sampled_from(Alphabet))
def test_any_text_is_phonemes_or_refused(written: str, alphabet: Alphabet) -> None:
    with suppress(WrongPhonemesError):
        assert as_ipa(written, alphabet)
