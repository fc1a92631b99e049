"""Samples into the bytes of one response, chunk by chunk."""

from av import AudioFrame
from av import open as av_open
from av.codec.context import Flags

from speaker_runtime.audio.formats import CONTAINERS, AudioFormat
from speaker_runtime.audio.pcm import Pcm16


class Encoder:
    """Encodes one response; equal chunks give equal bytes.

    Not thread-safe: one call at a time, from any thread.

    Args:
        audio_format: What to write.
        sample_rate: Hertz, of the samples and of the result (opus plays at 48 kHz by definition).
    """

    def __init__(self, audio_format: AudioFormat, sample_rate: int) -> None:
        target = CONTAINERS[audio_format]
        self._sink = _Sink()
        self._rate = sample_rate
        self._position = 0
        # bitexact: no library version in the headers and no random stream serial (ogg).
        self._container = av_open(
            self._sink,
            "w",
            format=target.muxer,
            options={**target.options, "fflags": "+bitexact"},
        )
        self._stream = self._container.add_stream(target.codec, rate=sample_rate, layout="mono")
        self._stream.codec_context.flags |= Flags.bitexact
        if target.bit_rate is not None:
            self._stream.bit_rate = target.bit_rate

    def encode(self, samples: Pcm16) -> bytes:
        """Take the next samples; return the bytes that are complete by now, perhaps none."""
        if len(samples):
            frame = AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="mono")
            frame.sample_rate = self._rate
            frame.pts = self._position
            self._position += len(samples)
            self._container.mux(self._stream.encode(frame))
        return self._sink.take()

    def finish(self) -> bytes:
        """End the response and return its last bytes; the encoder is used up."""
        self._container.mux(self._stream.encode(None))
        # Ogg writes its last page when it is closed, the others before.
        self._container.close()
        return self._sink.take()


class _Sink:
    """What FFmpeg writes into; it has no seek, so nothing is ever rewritten."""

    def __init__(self) -> None:
        self._written = bytearray()

    def write(self, data: bytes) -> int:
        self._written += data
        return len(data)

    def take(self) -> bytes:
        data = bytes(self._written)
        self._written.clear()
        return data
