"""Samples into bytes of every format."""

import numpy as np
import pytest

from speaker_runtime.audio.encoder import Encoder
from speaker_runtime.audio.formats import CONTAINERS, CONTENT_TYPES, AudioFormat
from speaker_runtime.audio.pcm import Samples, to_pcm16
from tests.support.audio import Decoded, decode, decode_pcm

RATE = 24_000
FORMATS = list(AudioFormat)


def tone(seconds: float, pitch: float = 440.0) -> Samples:
    time = np.arange(int(seconds * RATE)) / RATE
    return (0.5 * np.sin(2 * np.pi * pitch * time)).astype(np.float32)


def encode(audio_format: AudioFormat, *chunks: Samples) -> bytes:
    encoder = Encoder(audio_format, RATE)
    return b"".join(encoder.encode(to_pcm16(chunk)) for chunk in chunks) + encoder.finish()


def listen(audio_format: AudioFormat, data: bytes) -> Decoded:
    return decode_pcm(data) if audio_format is AudioFormat.PCM else decode(data)


def pitch_of(heard: Decoded) -> float:
    spectrum = np.abs(np.fft.rfft(heard.samples))
    return float(np.argmax(spectrum) * heard.sample_rate / len(heard.samples))


def test_every_format_has_a_container_and_a_content_type() -> None:
    assert set(CONTAINERS) == set(CONTENT_TYPES) == set(AudioFormat)


@pytest.mark.parametrize("audio_format", FORMATS)
def test_the_tone_survives(audio_format: AudioFormat) -> None:
    heard = listen(audio_format, encode(audio_format, tone(0.5), tone(0.5)))
    assert heard.seconds == pytest.approx(1.0, abs=0.1)
    assert pitch_of(heard) == pytest.approx(440, abs=5)
    assert heard.loudness == pytest.approx(0.35, abs=0.05)


@pytest.mark.parametrize("audio_format", FORMATS)
def test_bytes_come_before_the_end(audio_format: AudioFormat) -> None:
    encoder = Encoder(audio_format, RATE)
    first = encoder.encode(to_pcm16(tone(1.0)))
    last = encoder.finish()
    assert len(first) > len(last)


@pytest.mark.parametrize("audio_format", FORMATS)
def test_equal_chunks_give_equal_bytes(audio_format: AudioFormat) -> None:
    chunks = tone(0.3), tone(0.2, pitch=700)
    assert encode(audio_format, *chunks) == encode(audio_format, *chunks)


@pytest.mark.parametrize("audio_format", FORMATS)
def test_a_chunk_shorter_than_a_frame_is_kept(audio_format: AudioFormat) -> None:
    heard = listen(audio_format, encode(audio_format, *(tone(0.01) for _ in range(50))))
    assert heard.seconds == pytest.approx(0.5, abs=0.1)


def test_pcm_is_the_samples_alone() -> None:
    samples = tone(0.1)
    assert encode(AudioFormat.PCM, samples) == to_pcm16(samples).tobytes()


def test_wav_is_a_plain_header_and_the_samples() -> None:
    samples = tone(0.1)
    data = encode(AudioFormat.WAV, samples)
    assert data[44:] == to_pcm16(samples).tobytes()
    assert data[36:44] == b"data\xff\xff\xff\xff"


def test_what_is_too_loud_is_clipped() -> None:
    np.testing.assert_array_equal(
        to_pcm16(np.array([2.0, -2.0, 0.0, 0.5], np.float32)), [32767, -32767, 0, 16384]
    )
