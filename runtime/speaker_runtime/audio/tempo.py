"""A change of pace that keeps the pitch, for what a backend cannot do itself."""

from fractions import Fraction

import numpy as np
from av import AudioFrame
from av.error import BlockingIOError as NoFrameYet
from av.error import EOFError as NoMoreFrames
from av.filter import Graph

from speaker_runtime.audio.pcm import Samples


def split_speed(speed: float, low: float, high: float) -> tuple[float, float]:
    """Divide a pace into what the backend does within its range and the tempo for the rest.

    Returns:
        ``(native, tempo)``, whose product is ``speed``.
    """
    native = min(max(speed, low), high)
    return native, speed / native


class Tempo:
    """FFmpeg's ``atempo`` over one response, chunk by chunk.

    Args:
        factor: 2 is twice as fast; FFmpeg allows 0.5 to 100.
        sample_rate: Hertz.
    """

    def __init__(self, factor: float, sample_rate: int) -> None:
        self._rate = sample_rate
        self._position = 0
        self._graph = Graph()
        source = self._graph.add_abuffer(
            sample_rate=sample_rate, format="flt", layout="mono", time_base=Fraction(1, sample_rate)
        )
        atempo = self._graph.add("atempo", f"{factor:.6f}")
        sink = self._graph.add("abuffersink")
        source.link_to(atempo)
        atempo.link_to(sink)
        self._graph.configure()

    def stretch(self, samples: Samples) -> Samples:
        """Take the next samples; return those of the new pace that are complete by now."""
        frame = AudioFrame.from_ndarray(samples.reshape(1, -1), format="flt", layout="mono")
        frame.sample_rate = self._rate
        frame.pts = self._position
        frame.time_base = Fraction(1, self._rate)
        self._position += len(samples)
        self._graph.push(frame)
        return self._pull()

    def finish(self) -> Samples:
        """Return the last samples; the filter is used up."""
        self._graph.push(None)
        return self._pull()

    def _pull(self) -> Samples:
        parts: list[Samples] = []
        while True:
            try:
                frame = self._graph.pull()
            except (NoFrameYet, NoMoreFrames):
                break
            parts.append(frame.to_ndarray().reshape(-1).astype(np.float32, copy=False))
        return np.concatenate(parts) if parts else np.zeros(0, np.float32)
