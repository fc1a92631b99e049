"""From a backend's samples to the bytes of one response."""

from speaker_runtime.audio.encoder import Encoder
from speaker_runtime.audio.formats import AudioFormat
from speaker_runtime.audio.pcm import Samples
from speaker_runtime.audio.tempo import Tempo


class Pipeline:
    """Tempo, where one is needed, and encoder of one response.

    Not thread-safe: one call at a time, from any thread.

    Args:
        audio_format: What to write.
        sample_rate: Hertz, of the samples and of the result.
        tempo: Pace to add to what the backend did; 1 leaves the samples as they are.
    """

    def __init__(self, audio_format: AudioFormat, sample_rate: int, tempo: float) -> None:
        self._tempo = Tempo(tempo, sample_rate) if tempo != 1.0 else None
        self._encoder = Encoder(audio_format, sample_rate)
        self._rate = sample_rate
        self._samples = 0

    @property
    def seconds(self) -> float:
        """How much audio was encoded."""
        return self._samples / self._rate

    def feed(self, samples: Samples) -> bytes:
        """Take the next samples; return the bytes that are complete by now, perhaps none."""
        return self._encode(self._tempo.stretch(samples) if self._tempo else samples)

    def finish(self) -> bytes:
        """Return the last bytes; the pipeline is used up."""
        rest = self._encode(self._tempo.finish()) if self._tempo else b""
        return rest + self._encoder.finish()

    def _encode(self, samples: Samples) -> bytes:
        self._samples += len(samples)
        return self._encoder.encode(samples)
