"""A passage into sentences, and what is spoken for each."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speaker_runtime.text.lexicon import Lexicon
from speaker_runtime.text.normalization import normalize
from speaker_runtime.text.phonemes import Pronunciation
from speaker_runtime.text.sentences import Sentence, Utterance, as_written, sentences


def read(
    text: str,
    *,
    language: str = "en-US",
    limit: int = 300,
    first_limit: int | None = None,
    words: dict[str, str] | None = None,
) -> tuple[Sentence, ...]:
    return sentences(
        text,
        language=language,
        limit=limit,
        first_limit=first_limit,
        normalize=normalize,
        lexicon=Lexicon(words or {}),
    )


def said(*utterances: str) -> tuple[Utterance, ...]:
    return tuple(map(Utterance, utterances))


def written(text: str, language: str = "en-US") -> list[str]:
    return [each.text.strip() for each in read(text, language=language)]


def test_a_sentence_knows_what_was_written_where_and_what_is_spoken() -> None:
    assert read(
        "See kubernetes.io \U0001f600! It costs ~5 \u20ac.", words={"kubernetes": "k8s"}
    ) == (
        Sentence("See kubernetes.io \U0001f600! ", 0, 21, said("See k8s dot io !")),
        Sentence("It costs ~5 \u20ac.", 21, 35, said("It costs about five euros.")),
    )


def test_written_forms_can_be_left_to_the_model() -> None:
    (sentence,) = sentences(
        "About ~5.", language="en", limit=50, normalize=as_written, lexicon=Lexicon({})
    )
    assert sentence.utterances == said("About ~5.")


def test_a_sentence_over_the_limit_has_several_utterances() -> None:
    (sentence,) = read("The first part is here, the second is there.", limit=30)
    assert sentence.utterances == said("The first part is here,", "the second is there.")


def test_only_the_first_utterance_is_cut_early() -> None:
    long = "When the rain had stopped, they all went out to play. "
    first, second = read(long * 2, first_limit=30)
    assert first.utterances == said("When the rain had stopped,", "they all went out to play.")
    assert second.utterances == said(long.strip())


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("en", "Dr. Smith met Mr. Jones at noon."),
        ("en", "It costs $4.50 at www.example.com today."),
        ("en", "J. K. Rowling wrote it, e.g. the first one."),
        ("en", "He said 3.14 is pi."),
        ("de", "Am 1. Januar 2026 kam Dr. M\u00fcller, z. B. heute."),
        ("de", "\u201eJa!\u201c, sagte er."),
        ("es", "El Sr. G\u00f3mez vive en la c/ Mayor n.\u00ba 3."),
        ("fr", "Je connais M. Dupont et Mme Petit."),
        ("ja", "\u300c\u306f\u3044\u3002\u300d\u3068\u8a00\u3063\u305f\u3002"),
    ],
)
def test_a_mark_inside_a_sentence_does_not_end_it(language: str, sentence: str) -> None:
    assert written(sentence, language) == [sentence]


@pytest.mark.parametrize(
    ("language", "text", "parts"),
    [
        ("en", "Hello there. How are you? Fine!", ["Hello there.", "How are you?", "Fine!"]),
        ("es", "\u00bfQu\u00e9 tal? \u00a1Hola!", ["\u00bfQu\u00e9 tal?", "\u00a1Hola!"]),
        ("fr", "\u00c7a va ? Oui !", ["\u00c7a va ?", "Oui !"]),
        (
            "zh",
            "\u4f60\u597d\u3002\u597d\u5417\uff1f",
            ["\u4f60\u597d\u3002", "\u597d\u5417\uff1f"],
        ),
        ("en", "A heading\nA line\r\n\r\nA part", ["A heading", "A line", "A part"]),
    ],
)
def test_ends_of_sentences_and_lines_end_sentences(
    language: str, text: str, parts: list[str]
) -> None:
    assert written(text, language) == parts


def test_a_word_of_the_lexicon_is_never_split() -> None:
    words = {"Yahoo! Mail": "yahoo mail", "Wow! Now": "wow now"}
    text = "I like Yahoo! Mail a lot. Wow! Nowhere else."
    assert [each.utterances for each in read(text, words=words)] == [
        said("I like yahoo mail a lot."),
        said("Wow!"),
        said("Nowhere else."),
    ]


def test_a_pronounced_part_is_neither_split_nor_rewritten() -> None:
    text = "I met Dr. 5 and Dr. Smith of ~5 Ok."
    (sentence,) = sentences(
        text,
        language="en",
        limit=300,
        normalize=normalize,
        lexicon=Lexicon({"ok": "/əʊˈkeɪ/", "5": "wrong"}),
        pronunciations=(Pronunciation(6, 11, "dɑk"), Pronunciation(29, 31, "ɛks")),
    )
    assert sentence.text == text
    assert sentence.utterances == (
        Utterance(
            "I met Dr. 5 and Doctor Smith of ~5 Ok.",
            (
                Pronunciation(6, 11, "dɑk"),
                Pronunciation(32, 34, "ɛks"),
                Pronunciation(35, 37, "əʊˈkeɪ"),
            ),
        ),
    )


def test_private_characters_are_no_pronunciations() -> None:
    (sentence,) = read("One \ue000\ue001\uf8ff two.")
    assert sentence.utterances == said("One two.")
    assert sentence.text == "One \ue000\ue001\uf8ff two."


@pytest.mark.parametrize("text", ["", " \n ", "\U0001f600", "---\n***"])
def test_what_cannot_be_heard_has_no_sentence(text: str) -> None:
    assert read(text) == ()


def test_what_cannot_be_heard_belongs_to_a_neighbour() -> None:
    text = "--- \n\nOne. \U0001f600\n---\nTwo."
    assert [(each.text, each.utterances) for each in read(text)] == [
        ("--- \n\nOne. \U0001f600\n---\n", said("One.")),
        ("Two.", said("Two.")),
    ]


TEXTS = st.lists(
    st.sampled_from(
        ["One", "two.", "Yahoo! Mail", "3.5", "!", "\n", "\u3002", "M.", "\u300d", "--"]
    )
    | st.text(max_size=20)
).map(" ".join)


@given(
    TEXTS,
    st.sampled_from(["en", "de", "es", "fr", "zh", "ja"]),
    st.integers(min_value=1, max_value=60),
    st.none() | st.integers(min_value=1, max_value=60),
)
def test_every_character_is_in_one_sentence_and_every_letter_is_spoken(
    text: str, language: str, limit: int, first_limit: int | None
) -> None:
    made = sentences(
        text,
        language=language,
        limit=limit,
        first_limit=first_limit,
        normalize=as_written,
        lexicon=Lexicon({"yahoo! mail": "Yahoo! Mail"}),
    )
    assert "".join(each.text for each in made) == (text if made else "")
    assert all(text[each.start : each.end] == each.text for each in made)
    assert all(0 < len(utterance.text) <= limit for each in made for utterance in each.utterances)
    spoken = "".join(utterance.text for each in made for utterance in each.utterances)
    assert letters(spoken) == letters(text)


def letters(text: str) -> str:
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKD", text))).casefold()
