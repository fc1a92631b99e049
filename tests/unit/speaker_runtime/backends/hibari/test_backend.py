"""The model itself, loaded once from a fetched directory."""

from collections.abc import Iterator

import numpy as np
import pytest

from speaker_runtime.audio.pcm import Samples
from speaker_runtime.backends.hibari import HibariBackend
from speaker_runtime.backends.protocol import Capabilities, Slice, SpeechRequest
from speaker_runtime.contract import ModelConfig
from speaker_runtime.errors import ErrorCode, SpeechError
from speaker_runtime.models.fetching import fetch


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> ModelConfig:
    config = ModelConfig(
        source="package://hibari-tts", directory=tmp_path_factory.mktemp("models") / "hibari"
    )
    fetch(config, lambda _: None)
    return config


@pytest.fixture(scope="module")
def backend(model: ModelConfig) -> Iterator[HibariBackend]:
    loaded = HibariBackend(model)
    loaded.load(lambda _: None)
    yield loaded
    loaded.close()


def request(*utterances: str, speed: float = 1.0, seed: int = 0) -> SpeechRequest:
    return SpeechRequest(utterances, preset="heart", speed=speed, seed=seed)


def speak(backend: HibariBackend, asked: SpeechRequest) -> list[Samples]:
    stream = backend.open(asked)
    chunks = []
    finished = False
    while not finished:
        (result,) = backend.step([stream])
        if isinstance(result, SpeechError):
            raise result
        chunks.append(result.samples)
        finished = result.finished
    return chunks


def test_only_fetched_voices_are_presets(model: ModelConfig) -> None:
    parts: list[str] = []
    can: Capabilities = HibariBackend(model).load(parts.append)
    assert can.presets == ("heart",)
    assert can.languages == ("en-US",)
    assert can.sample_rate == 24_000
    assert "voice heart" in parts


def test_an_utterance_is_a_chunk(backend: HibariBackend) -> None:
    chunks = speak(backend, request("Hello there.", "How are you?"))
    assert [0.5 < len(chunk) / 24_000 < 3 for chunk in chunks] == [True, True]


def test_a_sentence_sounds_the_same_wherever_it_stands(backend: HibariBackend) -> None:
    _, second = speak(backend, request("Hello there.", "How are you?"))
    (alone,) = speak(backend, request("How are you?"))
    np.testing.assert_array_equal(second, alone)


def test_another_seed_sounds_different(backend: HibariBackend) -> None:
    (one,) = speak(backend, request("Hello."))
    (other,) = speak(backend, request("Hello.", seed=1))
    assert not np.array_equal(one, other)


def test_streams_do_not_mix(backend: HibariBackend) -> None:
    one, two = backend.open(request("Hello.", "One.")), backend.open(request("Bye.", "Two."))
    backend.step([one])
    backend.step([two])
    result, other = backend.step([one, two])
    assert isinstance(result, Slice)
    assert isinstance(other, Slice)
    np.testing.assert_array_equal(result.samples, speak(backend, request("One."))[0])
    np.testing.assert_array_equal(other.samples, speak(backend, request("Two."))[0])


def test_speed_shortens(backend: HibariBackend) -> None:
    (slow,), (fast,) = (speak(backend, request("Hello there.", speed=s)) for s in (0.5, 2.0))
    assert len(slow) > 2 * len(fast)


def test_utterances_without_a_reading_are_left_out(backend: HibariBackend) -> None:
    assert len(speak(backend, request("...", "Hello.", "😀"))) == 1


@pytest.mark.parametrize("text", ["日本語です。", "😀", "...", "Привет"])
def test_what_cannot_be_read_is_refused_with_a_quote(backend: HibariBackend, text: str) -> None:
    with pytest.raises(SpeechError) as refused:
        backend.open(request(text))
    assert refused.value.code is ErrorCode.TEXT_NOT_SPEAKABLE
    assert text in refused.value.message


def test_one_sentence_of_another_script_is_refused(backend: HibariBackend) -> None:
    with pytest.raises(SpeechError, match="日本語です"):
        backend.open(request("Hello.", "日本語です。"))


def test_a_word_of_another_script_gives_a_warning(backend: HibariBackend) -> None:
    stream = backend.open(request("I live in 東京 now."))
    assert stream.warnings == (r"left out what hibari cannot read: '\u6771\u4eac'",)


def test_a_long_pass_is_several_chunks(backend: HibariBackend) -> None:
    assert len(speak(backend, request("1 " * 150))) > 1
