"""The language of a text."""

import subprocess
import sys

import pytest

from speaker_runtime.text.detection import detect, has_choice

MANY = ("en-US", "es", "fr", "de", "it", "pt", "pl", "tr", "ru", "nl", "cs", "ar", "zh-CN", "ja")


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Good morning, everybody.", "en-US"),
        ("Hello there, how are you doing today?", "en-US"),
        ("I love pizza", "en-US"),
        ("Guten Morgen, wie geht es dir?", "de"),
        ("Das Treffen ist um 17 Uhr.", "de"),
        ("Hola, \u00bfc\u00f3mo est\u00e1s hoy?", "es"),
        ("Bonjour, comment allez-vous ?", "fr"),
        ("Ciao, come stai oggi?", "it"),
        ("Ol\u00e1, como voc\u00ea est\u00e1 hoje?", "pt"),
        ("Cze\u015b\u0107, jak si\u0119 masz?", "pl"),
        (
            "\u041f\u0440\u0438\u0432\u0435\u0442, \u043a\u0430\u043a \u0434\u0435\u043b\u0430?",
            "ru",
        ),
        ("\u4f60\u597d\uff0c\u4eca\u5929\u600e\u4e48\u6837\uff1f", "zh-CN"),
        ("\u3053\u3093\u306b\u3061\u306f\u3001\u304a\u5143\u6c17\u3067\u3059\u304b\u3002", "ja"),
    ],
)
def test_a_sentence_shows_its_language(text: str, language: str) -> None:
    assert detect(text, MANY) == language


@pytest.mark.parametrize("text", ["", "123", "Ok.", "Berlin", "No.", "\U0001f600"])
def test_what_shows_no_language_is_not_guessed(text: str) -> None:
    assert detect(text, MANY) is None
    assert detect(text, ("en", "de")) is None


def test_a_language_is_only_looked_for_among_those_spoken() -> None:
    assert detect("Guten Morgen, wie geht es?", ("en", "fr")) in {None, "en", "fr"}


@pytest.mark.parametrize("languages", [(), ("en",), ("en-US", "en-GB"), ("en", "x-klingon")])
def test_without_a_choice_nothing_is_detected(languages: tuple[str, ...]) -> None:
    assert detect("Good morning, everybody.", languages) is None


def test_regions_are_no_choice() -> None:
    assert not has_choice(("en-US", "en-GB"))
    assert has_choice(("en-US", "de"))


def test_a_voice_of_one_language_loads_no_model() -> None:
    program = (
        "import sys; from speaker_runtime.text.detection import detect; "
        "detect('Hello there', ('en-US', 'en-GB')); sys.exit('py3langid' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
