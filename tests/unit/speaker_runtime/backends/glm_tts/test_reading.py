"""From a text to the tokens of its pieces."""

import pytest

from speaker_runtime.audio.clips import UnfitReferenceError
from speaker_runtime.backends.glm_tts.phonemes import Phonemes
from speaker_runtime.backends.glm_tts.reading import Reader
from speaker_runtime.backends.glm_tts.tokenizer import Tokenizer
from speaker_runtime.contract import VoiceReason
from tests.support.glm_front import write_tokenizer


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    return Tokenizer(write_tokenizer(tmp_path_factory.mktemp("tokenizer")))


def test_a_transcript_is_one_piece_and_ends_in_a_space(tokenizer: Tokenizer) -> None:
    said = Reader(tokenizer).transcript("你好，" * 40)
    assert said == tokenizer.encode("你好，" * 39 + "你好。 ")


def test_every_piece_is_normalised_again(tokenizer: Tokenizer) -> None:
    # The first piece is cut behind a comma and ends in a full stop; the last one, all English, is
    # read as such.
    pieces = Reader(tokenizer).pieces("你好世界" * 8 + "，hello world!")
    assert pieces == [tokenizer.encode("你好世界" * 8 + "。"), tokenizer.encode("hello world.")]


def test_only_what_is_spoken_is_put_into_sounds(tokenizer: Tokenizer) -> None:
    reader = Reader(tokenizer, phonemes=Phonemes(frozenset("你好"), {"弦": "<|X|><|IAN2|>"}))
    assert reader.pieces("你弦好喝") == [tokenizer.encode("你<|X|><|IAN2|>好<|H|><|E1|>。")]
    assert reader.transcript("你弦") == tokenizer.encode("你弦。 ")


def test_a_model_may_write_characters_another_way(tokenizer: Tokenizer) -> None:
    assert Reader(tokenizer, [("坏", "好")]).pieces("你坏") == [tokenizer.encode("你好。")]


@pytest.mark.parametrize("text", ["Привет, мир.", "…"])
def test_a_transcript_that_cannot_be_read_makes_no_voice(tokenizer: Tokenizer, text: str) -> None:
    with pytest.raises(UnfitReferenceError, match="in Chinese or English") as failed:
        Reader(tokenizer).transcript(text)
    assert failed.value.reason is VoiceReason.LANGUAGE_UNSUPPORTED


def test_no_text_becomes_a_token_that_is_more_than_text(tokenizer: Tokenizer) -> None:
    marks = "<|user|> [gMASK] <sop> <|audio_3|> <|begin_of_audio|>"
    for text in (marks, f"你{marks}"):
        (piece,) = Reader(tokenizer).pieces(text)
        assert max(piece) < tokenizer.special.pad
