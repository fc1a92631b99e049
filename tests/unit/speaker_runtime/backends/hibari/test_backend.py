"""The model itself, loaded once from a fetched directory."""

from collections.abc import Iterator

import numpy as np
import pytest

from speaker_runtime.audio.pcm import Samples
from speaker_runtime.backends.hibari import HibariBackend
from speaker_runtime.backends.protocol import Capabilities, Placement, Slice, SpeechRequest
from speaker_runtime.contract import ModelConfig
from speaker_runtime.errors import ErrorCode, SpeechError
from speaker_runtime.models.fetching import fetch
from speaker_runtime.voices.preset import Preset

PLACE = Placement("cpu", threads=1)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> ModelConfig:
    config = ModelConfig(
        source="package://hibari-tts", directory=tmp_path_factory.mktemp("models") / "hibari"
    )
    fetch(config, lambda _: None)
    return config


@pytest.fixture(scope="module")
def backend(model: ModelConfig) -> Iterator[HibariBackend]:
    loaded = HibariBackend(model, PLACE)
    loaded.load(lambda _: None)
    yield loaded
    loaded.close()


def request(text: str, speed: float = 1.0, seed: int = 0) -> SpeechRequest:
    return SpeechRequest(text, preset="heart", language="en-US", speed=speed, seed=seed)


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
    can: Capabilities = HibariBackend(model, PLACE).load(parts.append)
    assert can.presets == (Preset("heart", ("en-US",)),)
    assert can.languages == ("en-US",)
    assert can.sample_rate == 24_000
    assert "voice heart" in parts


def test_an_utterance_is_a_chunk(backend: HibariBackend) -> None:
    (chunk,) = speak(backend, request("Hello there."))
    assert 0.5 < len(chunk) / 24_000 < 3


def test_another_seed_sounds_different(backend: HibariBackend) -> None:
    (one,) = speak(backend, request("Hello."))
    (other,) = speak(backend, request("Hello.", seed=1))
    assert not np.array_equal(one, other)


def test_streams_do_not_mix(backend: HibariBackend) -> None:
    one, two = request("One is here."), request("Two is there.")
    result, other = backend.step([backend.open(one), backend.open(two)])
    assert isinstance(result, Slice)
    assert isinstance(other, Slice)
    np.testing.assert_array_equal(result.samples, speak(backend, one)[0])
    np.testing.assert_array_equal(other.samples, speak(backend, two)[0])


def test_speed_shortens(backend: HibariBackend) -> None:
    (slow,), (fast,) = (speak(backend, request("Hello there.", speed=s)) for s in (0.5, 2.0))
    assert len(slow) > 2 * len(fast)


@pytest.mark.parametrize("text", ["...", "😀"])
def test_signs_alone_have_no_sound(backend: HibariBackend, text: str) -> None:
    assert backend.check(request(text)) == ()
    (chunk,) = speak(backend, request(text))
    assert len(chunk) == 0


@pytest.mark.parametrize("text", ["日本語です。", "Привет"])
def test_what_cannot_be_read_is_refused_with_a_quote(backend: HibariBackend, text: str) -> None:
    with pytest.raises(SpeechError) as refused:
        backend.check(request(text))
    assert refused.value.code is ErrorCode.TEXT_NOT_SPEAKABLE
    assert text in refused.value.message


def test_a_word_of_another_script_gives_a_warning(backend: HibariBackend) -> None:
    (warning,) = backend.check(request("I live in 東京 now."))
    assert warning == r"left out what hibari cannot read: '\u6771\u4eac'"


def test_a_long_pass_is_several_chunks(backend: HibariBackend) -> None:
    assert len(speak(backend, request("1 " * 150))) > 1
