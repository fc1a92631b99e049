"""Recordings to make voices of: speech of a real model, and what is no speech."""

import io
import wave
from functools import cache
from typing import Any, Final

import av
import numpy as np
import numpy.typing as npt

from speaker_runtime.audio.pcm import Samples, to_pcm16

RATE: Final = 24_000
SENTENCES: Final = (
    "The quick brown fox jumps over the lazy dog, and then it sleeps in the warm sun. "
    "Please call Stella, and ask her to bring these things with her from the store."
)


@cache
def speech() -> Samples:
    """Eight seconds of the embedded voice."""
    from hibari import Hibari  # noqa: PLC0415  seconds, only where it is needed

    return np.asarray(Hibari()(SENTENCES), dtype=np.float32)


def voiced(pitch: float, seconds: float = 4.0, rate: int = RATE) -> Samples:
    """Somebody who babbles around a pitch in hertz: as much speech as the runtime asks for."""
    time = np.arange(int(seconds * rate)) / rate
    melody = pitch * (1 + 0.12 * np.sin(2 * np.pi * 1.3 * time) + 0.04 * np.sin(13.0 * time))
    phase = 2 * np.pi * np.cumsum(melody) / rate
    throat = np.sum([np.sin(k * phase) / k for k in range(1, 12)], axis=0)
    syllable = np.clip(np.sin(2 * np.pi * 2.0 * time), 0, None) ** 0.5
    hiss = np.random.default_rng(7).normal(size=len(time)) * np.clip(
        -np.sin(2 * np.pi * 2.0 * time) - 0.7, 0, None
    )
    babble: Samples = (0.2 * throat * syllable + 0.3 * hiss).astype(np.float32)
    return babble


def tone(seconds: float = 5.0) -> Samples:
    time = np.arange(int(seconds * RATE)) / RATE
    return (0.5 * np.sin(2 * np.pi * 220 * time)).astype(np.float32)


def noise(seconds: float = 5.0, level: float = 0.1) -> Samples:
    drawn = np.random.default_rng(3).normal(size=int(seconds * RATE)) * level
    return drawn.astype(np.float32)


def tune(seconds: float = 6.0, vibrato: float = 0.0) -> Samples:
    """A melody of plucked strings."""
    notes = [_note(pitch, 0.4, vibrato) for pitch in (262, 294, 330, 349, 392, 440, 494, 523)]
    several = int(seconds / 0.4 / len(notes)) + 1
    played: Samples = np.concatenate(notes * several)[: int(seconds * RATE)].astype(np.float32)
    return played


def drums(seconds: float = 6.0) -> Samples:
    stroke = np.random.default_rng(5).normal(size=6000) * np.exp(-np.arange(6000) / 900)
    return (0.3 * np.tile(stroke, int(seconds * RATE / 6000))).astype(np.float32)


def _note(pitch: float, seconds: float, vibrato: float) -> npt.NDArray[np.float64]:
    time = np.arange(int(seconds * RATE)) / RATE
    phase = 2 * np.pi * pitch * time + vibrato * np.sin(2 * np.pi * 5.5 * time)
    shape = np.exp(-time * 3) * np.minimum(1, time * 100)
    sound: npt.NDArray[np.float64] = (
        0.2 * shape * np.sum([np.sin(k * phase) / k for k in range(1, 8)], axis=0)
    )
    return sound


def wav(samples: Samples, rate: int = RATE) -> bytes:
    """A wav file."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(to_pcm16(samples).astype("<i2").tobytes())
    return buffer.getvalue()


def encoded(samples: Samples, container: str, codec: str, rate: int = RATE) -> bytes:
    """A file of another format."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=container) as file:
        stream: Any = file.add_stream(codec, rate=48_000, layout="mono")
        sound = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="flt", layout="mono")
        sound.sample_rate = rate
        resampler = av.AudioResampler(
            format=stream.codec_context.format,
            layout="mono",
            rate=48_000,
            frame_size=stream.codec_context.frame_size or 0,
        )
        for frame in (*resampler.resample(sound), *resampler.resample(None)):
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    return buffer.getvalue()
