"""Decodes what a server sent, whatever its format."""

import io
from dataclasses import dataclass

import av
import numpy as np
import numpy.typing as npt

from speaker_runtime.audio.pcm import Pcm16
from speaker_runtime.audio.pipeline import Pipeline


@dataclass(frozen=True)
class Decoded:
    """Mono samples within -1 and 1, shape ``(n,)``, and their rate in hertz."""

    samples: npt.NDArray[np.float32]
    sample_rate: int

    @property
    def seconds(self) -> float:
        """Duration."""
        return len(self.samples) / self.sample_rate

    @property
    def loudness(self) -> float:
        """Root mean square."""
        return float(np.sqrt(np.mean(np.square(self.samples)))) if len(self.samples) else 0.0


def decode(data: bytes) -> Decoded:
    """Decode a whole file."""
    parts: list[npt.NDArray[np.float32]] = []
    rate = 0
    with av.open(io.BytesIO(data), "r") as container:
        resampler = av.AudioResampler(format="flt", layout="mono")
        for frame in container.decode(audio=0):
            rate = frame.sample_rate
            parts.extend(
                part.to_ndarray().reshape(-1).astype(np.float32)
                for part in resampler.resample(frame)
            )
    return Decoded(np.concatenate(parts), rate)


def decode_pcm(data: bytes, sample_rate: int = 24_000) -> Decoded:
    """Decode 16-bit little-endian mono without a header."""
    return Decoded(np.frombuffer(data, "<i2").astype(np.float32) / 32768.0, sample_rate)


def feed(pipeline: Pipeline, section: int, samples: Pcm16) -> bytes:
    """Let a pipeline take the samples of a section."""
    return pipeline.enter(section) + pipeline.feed(samples)
