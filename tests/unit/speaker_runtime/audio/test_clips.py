"""Which recordings can be made a voice of, and what is said of the others."""

from collections.abc import Callable

import numpy as np
import pytest

from speaker_runtime.audio.clips import UnfitReferenceError, fit_clip
from speaker_runtime.audio.decoding import (
    NotAudioError,
    TooMuchAudioError,
    decode,
    resampled,
)
from speaker_runtime.audio.pcm import Samples
from speaker_runtime.contract import VoiceReason
from tests.support.clips import RATE, drums, encoded, noise, speech, tone, tune, voiced, wav

WANTED = 22_050


def with_noise(decibels: float) -> Samples:
    """Speech, and noise so much below it."""
    clean = speech()
    level = float(np.sqrt(np.mean(np.square(clean)))) * 10 ** (-decibels / 20)
    noisy: Samples = clean + noise(len(clean) / RATE + 1, level)[: len(clean)]
    return noisy


def driven(decibels: float) -> Samples:
    """Speech recorded with so much too much gain."""
    gain = np.float32(10 ** (decibels / 20) / np.abs(speech()).max())
    clipped: Samples = np.clip(speech() * gain, -1, 1).astype(np.float32)
    return clipped


def reason(samples: Samples) -> VoiceReason | None:
    try:
        fit_clip(samples, RATE, WANTED)
    except UnfitReferenceError as error:
        return error.reason if ": " in error.message else None  # what was found, and what to do
    return None


FIT: dict[str, Callable[[], Samples]] = {
    "speech": speech,
    "whispered": lambda: speech() * np.float32(0.05),
    "in a room with a fan": lambda: with_noise(20),
    "in a street": lambda: with_noise(10),
    "driven by 3 dB": lambda: driven(3),
    "babble": lambda: voiced(120),
    "high babble": lambda: voiced(300),
}
UNFIT: dict[str, tuple[Callable[[], Samples], VoiceReason]] = {
    "nothing": (lambda: noise(level=1e-5), VoiceReason.SILENT),
    "a moment": (lambda: speech()[:500], VoiceReason.TOO_SHORT),
    "driven by 6 dB": (lambda: driven(6), VoiceReason.CLIPPED),
    "driven by 12 dB": (lambda: driven(12), VoiceReason.CLIPPED),
    "beside a motor": (lambda: with_noise(4), VoiceReason.NOISY),
    "a tone": (tone, VoiceReason.NOT_SPEECH),
    "noise": (noise, VoiceReason.NOT_SPEECH),
    "a tune": (tune, VoiceReason.NOT_SPEECH),
    "a tune with vibrato": (lambda: tune(vibrato=0.8), VoiceReason.NOT_SPEECH),
    "drums": (drums, VoiceReason.NOT_SPEECH),
}


@pytest.mark.parametrize("name", FIT)
def test_speech_is_fit(name: str) -> None:
    assert reason(FIT[name]()) is None


@pytest.mark.parametrize("name", UNFIT)
def test_what_is_unfit_is_told_why(name: str) -> None:
    make, expected = UNFIT[name]
    assert reason(make()) is expected


def test_silence_around_the_speech_goes_and_the_level_is_the_same_for_all() -> None:
    pause = np.zeros(2 * RATE, dtype=np.float32)
    fitted = fit_clip(np.concatenate([pause, speech(), pause]), RATE, WANTED)
    quiet = fit_clip(speech() * np.float32(0.1), RATE, WANTED)
    assert len(fitted) / WANTED == pytest.approx(len(speech()) / RATE, abs=0.8)
    assert np.abs(fitted).max() == pytest.approx(np.abs(quiet).max(), rel=0.05)


FORMATS: dict[str, Callable[[], bytes]] = {
    "wav": lambda: wav(speech()),
    "flac": lambda: encoded(speech(), "flac", "flac"),
    "mp3": lambda: encoded(speech(), "mp3", "libmp3lame"),
    "ogg opus": lambda: encoded(speech(), "ogg", "libopus"),
    "webm": lambda: encoded(speech(), "webm", "libopus"),
    "m4a": lambda: encoded(speech(), "ipod", "aac"),
}


@pytest.mark.parametrize("name", FORMATS)
def test_every_common_format_is_read(name: str) -> None:
    samples, rate = decode(FORMATS[name](), most_seconds=30)
    assert len(samples) / rate == pytest.approx(len(speech()) / RATE, abs=0.1)
    assert fit_clip(samples, rate, WANTED).dtype == np.float32


def test_stereo_becomes_mono() -> None:
    both = np.repeat(speech(), 2)
    stereo = wav(both).replace(b"\x01\x00\x01\x00", b"\x01\x00\x02\x00", 1)
    samples, _ = decode(stereo, most_seconds=30)
    assert len(samples) == len(speech())


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"somebody's notes",
        b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n",
        b"ffconcat version 1.0\nfile /etc/passwd\n",
        wav(np.zeros(0, dtype=np.float32)),
        b"RIFF" + bytes(1000),
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    ],
)
def test_what_is_no_audio_is_not_read(content: bytes) -> None:
    with pytest.raises(NotAudioError):
        decode(content, most_seconds=30)


def test_a_file_is_read_up_to_a_bound() -> None:
    with pytest.raises(TooMuchAudioError, match="longer than 2 s"):
        decode(wav(tone(5)), most_seconds=2)


def test_resampling_keeps_length_and_pitch() -> None:
    there = resampled(tone(2), RATE, 16_000)
    assert len(there) == pytest.approx(32_000, abs=16)
    spectrum = np.abs(np.fft.rfft(there[:32_000]))
    assert np.argmax(spectrum) / 2 == pytest.approx(220, abs=1)
