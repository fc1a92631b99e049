"""From the International Phonetic Alphabet to the models' own."""

import pytest

from speaker_runtime.backends.hibari.phonemes import from_ipa, unknown


@pytest.mark.parametrize(
    ("ipa", "american", "british"),
    [
        ("həˈloʊ", "həˈlO", "həˈlQ"),
        ("həˈləʊ", "həˈlO", "həˈlQ"),
        ("t͡ʃɜːtʃ", "ʧɜʧ", "ʧɜːʧ"),
        ("dʒʌdʒ", "ʤʌʤ", "ʤʌʤ"),
        ("ˈpleɪɡraʊnd", "ˈplAɡɹWnd", "ˈplAɡɹWnd"),
        ("ˈfaɪɚ bɔɪ", "ˈfIəɹ bY", "ˈfIə bY"),
        ("bɛd", "bɛd", "bɛd"),
        ("bed", "bɛd", "bɛd"),
        ("hɒt kæt", "hɑt kæt", "hɒt kat"),
        ("ˈbʌt.n̩", "ˈbʌtn", "ˈbʌtn"),
    ],
)
def test_ipa_becomes_the_letters_that_the_models_know(
    ipa: str, american: str, british: str
) -> None:
    assert from_ipa(ipa, british=False) == american
    assert from_ipa(ipa, british=True) == british


def test_what_the_models_have_no_sound_for_is_named() -> None:
    assert unknown("ǃaʘa", british=False) == "ǃʘ"
    assert from_ipa("ǃaʘ", british=True) == "a"
