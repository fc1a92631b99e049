"""From a backend's samples to the bytes of one response."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from speaker_runtime.audio.encoder import Encoder
from speaker_runtime.audio.formats import AudioFormat
from speaker_runtime.audio.pcm import Pcm16, to_float, to_pcm16
from speaker_runtime.audio.tempo import Tempo


@dataclass(frozen=True)
class Section:
    """What happens to the samples of one part of a response.

    Attributes:
        tempo: Pace to add to what the backend did; 1 leaves the samples as they are.
        gain: Factor on the samples; what gets louder than full scale is clipped.
        pause: Seconds of silence before the first sample.
        marks: Names to note down where the first sample stands.
    """

    tempo: float = 1.0
    gain: float = 1.0
    pause: float = 0.0
    marks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Mark:
    """A named moment: seconds from the response's beginning."""

    name: str
    seconds: float


class Pipeline:
    """Silence, gain, tempo and encoder of one response.

    Not thread-safe: one call at a time, from any thread.

    Args:
        audio_format: What to write.
        sample_rate: Hertz, of the samples and of the result.
        sections: The parts of the response, in order.
        end: What comes after them; it has no samples.
    """

    def __init__(
        self,
        audio_format: AudioFormat,
        sample_rate: int,
        sections: Sequence[Section],
        end: Section,
    ) -> None:
        self.marks: list[Mark] = []
        self.has_speech = False
        self._sections = (*sections, end)
        self._current = -1
        self._gain = 1.0
        self._tempo: Tempo | None = None
        self._encoder = Encoder(audio_format, sample_rate)
        self._rate = sample_rate
        self._samples = 0
        self._section_began = 0.0
        self._fed = 0

    @property
    def position(self) -> float:
        """Seconds from the beginning at which what was fed by now ends."""
        return self._section_began + self.duration(self._fed)

    def duration(self, samples: int) -> float:
        """Seconds that so many samples of the current section are heard for."""
        return samples / self._rate / self._sections[max(self._current, 0)].tempo

    @property
    def seconds(self) -> float:
        """How much audio was encoded."""
        return self._samples / self._rate

    def enter(self, section: int) -> bytes:
        """Go to a section, which is the same as before or a later one.

        Returns:
            The bytes that are complete by now, perhaps none.
        """
        data = b""
        while self._current < section:
            data += self._encode(to_pcm16(self._tempo.finish())) if self._tempo else b""
            self._current += 1
            data += self._begin(self._sections[self._current])
        return data

    def feed(self, samples: Pcm16) -> bytes:
        """Take the next samples of the current section.

        Returns:
            The bytes that are complete by now, perhaps none.
        """
        if not len(samples):
            return b""
        self.has_speech = True
        self._fed += len(samples)
        return self._encode(self._shape(samples))

    def finish(self) -> bytes:
        """Return the last bytes; the pipeline is used up."""
        return self.enter(len(self._sections) - 1) + self._encoder.finish()

    def _shape(self, samples: Pcm16) -> Pcm16:
        """Apply gain and tempo; what needs neither is not touched."""
        if self._tempo is None and self._gain == 1.0:
            return samples
        louder = to_float(samples) * np.float32(self._gain)
        return to_pcm16(self._tempo.stretch(louder) if self._tempo else louder)

    def _begin(self, section: Section) -> bytes:
        self._gain = section.gain
        self._tempo = Tempo(section.tempo, self._rate) if section.tempo != 1.0 else None
        silence = np.zeros(round(section.pause * self._rate), np.int16)
        data = self._encode(silence)
        self._section_began = self.seconds
        self._fed = 0
        self.marks.extend(Mark(name, self.seconds) for name in section.marks)
        return data

    def _encode(self, samples: Pcm16) -> bytes:
        self._samples += len(samples)
        return self._encoder.encode(samples)
