"""The model itself, with its real weights."""

from collections.abc import Iterator

import numpy as np
import pytest

from speaker_operator.api.v1alpha1.backends import BACKENDS
from speaker_runtime.audio.formats import AudioFormat
from speaker_runtime.audio.pcm import Samples, to_pcm16
from speaker_runtime.audio.pipeline import Pipeline, Section
from speaker_runtime.backends.kokoro import KokoroBackend
from speaker_runtime.backends.kokoro.styles import LENGTHS, WIDTH
from speaker_runtime.backends.protocol import Capabilities, Placement, SpeechRequest
from speaker_runtime.backends.registry import available
from speaker_runtime.errors import ErrorCode, SpeechError
from speaker_runtime.voices.preset import Preset
from tests.support.audio import feed
from tests.support.kokoro import kokoro_model
from tests.support.transcribe import transcribe, word_error_rate


@pytest.fixture(scope="module")
def loaded() -> Iterator[tuple[KokoroBackend, Capabilities]]:
    backend = KokoroBackend(kokoro_model(), Placement("cpu", threads=2))
    can = backend.load(lambda _: None)
    yield backend, can
    backend.close()


@pytest.fixture
def backend(loaded: tuple[KokoroBackend, Capabilities]) -> KokoroBackend:
    return loaded[0]


def speak(
    backend: KokoroBackend, text: str, preset: str = "af_heart", speed: float = 1.0
) -> list[Samples]:
    stream = backend.open(request(text, preset, speed))
    chunks, finished = [], False
    while not finished:
        (result,) = backend.step([stream])
        if isinstance(result, SpeechError):
            raise result
        chunks.append(result.samples)
        finished = result.finished
    return chunks


def request(text: str, preset: str = "af_heart", speed: float = 1.0) -> SpeechRequest:
    return SpeechRequest(text, preset=preset, language="en-US", speed=speed, seed=0)


def as_wav(samples: Samples) -> bytes:
    pipeline = Pipeline(AudioFormat.WAV, 24_000, (Section(),), Section())
    return feed(pipeline, 0, to_pcm16(samples)) + pipeline.finish()


def test_it_is_installed() -> None:
    assert "kokoro" in available()


def test_every_english_voice_is_a_preset(loaded: tuple[KokoroBackend, Capabilities]) -> None:
    _, can = loaded
    assert can.presets[0] == Preset("af_heart", ("en-US",))
    assert Preset("bm_george", ("en-GB",)) in can.presets
    assert can.languages == ("en-US", "en-GB")


def test_the_operator_knows_its_presets_and_that_it_mixes_them(
    loaded: tuple[KokoroBackend, Capabilities],
) -> None:
    _, can = loaded
    assert {preset.name for preset in can.presets} == set(BACKENDS["kokoro"].presets)
    assert can.mixes_presets is BACKENDS["kokoro"].mixes_presets


@pytest.mark.parametrize("preset", ["af_heart", "bm_george", "af_heart*0.4+bf_emma*0.6"])
def test_what_is_said_can_be_understood(backend: KokoroBackend, preset: str) -> None:
    said = "The quick brown fox jumps over the lazy dog."
    (samples,) = speak(backend, said, preset=preset)
    assert word_error_rate(said, transcribe(as_wav(samples))) <= 0.12


def test_equal_requests_give_equal_samples(backend: KokoroBackend) -> None:
    (one,), (two,) = speak(backend, "Hello there."), speak(backend, "Hello there.")
    np.testing.assert_array_equal(one, two)


def test_voices_and_mixes_sound_different(backend: KokoroBackend) -> None:
    presets = ("af_heart", "am_adam", "af_heart*0.5+am_adam*0.5", "af_heart*0.2+am_adam*0.8")
    spoken = [speak(backend, "Hello.", preset=preset)[0] for preset in presets]
    assert len({samples.tobytes() for samples in spoken}) == len(presets)


def test_a_mix_is_kept_for_the_next_request(backend: KokoroBackend) -> None:
    before = backend.voice_state_bytes
    for _ in range(2):
        speak(backend, "Hello.", preset="af_heart*0.1+am_adam*0.9")
    assert backend.voice_state_bytes - before == LENGTHS * WIDTH * 4


def test_speed_changes_the_length(backend: KokoroBackend) -> None:
    slow, fast = (len(speak(backend, "Hello there.", speed=speed)[0]) for speed in (0.5, 2.0))
    assert 2.5 < slow / fast < 6


def test_a_sentence_of_more_phonemes_than_a_pass_takes_is_cut(backend: KokoroBackend) -> None:
    numbers = ", ".join(["987654321"] * 12)
    passes = backend.open(request(numbers)).passes
    assert len(passes) >= 2
    assert max(map(len, passes)) < LENGTHS


@pytest.mark.parametrize("text", ["!!!", "…"])
def test_signs_alone_have_no_sound(backend: KokoroBackend, text: str) -> None:
    assert [len(chunk) for chunk in speak(backend, text)] == [0]


def test_text_that_cannot_be_read_is_refused(backend: KokoroBackend) -> None:
    with pytest.raises(SpeechError) as refused:
        backend.check(request("こんにちは"))
    assert refused.value.code is ErrorCode.TEXT_NOT_SPEAKABLE
