"""Audio files that somebody sent, into samples; the files are not to be trusted."""

import io
from typing import Final

import av
import numpy as np

from speaker_runtime.audio.pcm import Samples

_DEMUXERS: Final = "wav,w64,aiff,flac,mp3,ogg,matroska,webm,mov,mp4,m4a,3gp,3g2,mj2,aac,caf"
"""None that opens other files or addresses, as those of playlists do."""
_DECODERS: Final = (
    "pcm_s16le,pcm_s16be,pcm_s24le,pcm_s24be,pcm_s32le,pcm_s32be,pcm_f32le,pcm_f32be,pcm_f64le,"
    "pcm_u8,pcm_alaw,pcm_mulaw,flac,mp3,mp3float,vorbis,opus,libopus,aac,alac"
)


class NotAudioError(ValueError):
    """The bytes are no audio file of a known format."""


class TooMuchAudioError(ValueError):
    """The file is longer than is read."""


def decode(data: bytes, most_seconds: float) -> tuple[Samples, int]:
    """The samples of a wav, flac, mp3, ogg, opus, webm or m4a file, mixed to mono, and their rate.

    Raises:
        NotAudioError: It is none, is damaged, or has no samples.
        TooMuchAudioError: It is longer than ``most_seconds``.
    """
    parts: list[Samples] = []
    length, rate = 0, 0
    options = {
        "format_whitelist": _DEMUXERS,
        "protocol_whitelist": "",
        "codec_whitelist": _DECODERS,
    }
    try:
        with av.open(io.BytesIO(data), "r", options=options) as container:
            if not container.streams.audio:
                raise NotAudioError("it has no sound in it")
            resampler = av.AudioResampler(format="flt", layout="mono")
            for frame in container.decode(audio=0):
                if rate and frame.sample_rate != rate:
                    raise NotAudioError("its sample rate changes on the way")
                rate = frame.sample_rate
                for part in resampler.resample(frame):
                    parts.append(part.to_ndarray().reshape(-1).astype(np.float32))
                    length += part.samples
                if length > most_seconds * rate:
                    raise TooMuchAudioError(f"it is longer than {most_seconds:g} s")
    except (av.FFmpegError, OSError, EOFError) as error:
        raise NotAudioError(str(getattr(error, "strerror", None) or error)) from error
    if not length:
        raise NotAudioError("it has no samples")
    return np.nan_to_num(np.concatenate(parts)), rate


def resampled(samples: Samples, rate: int, wanted: int) -> Samples:
    """The same sound at another sample rate."""
    if rate == wanted:
        return samples
    resampler = av.AudioResampler(format="flt", layout="mono", rate=wanted)
    frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="flt", layout="mono")
    frame.sample_rate = rate
    parts = [*resampler.resample(frame), *resampler.resample(None)]
    return np.concatenate([part.to_ndarray().reshape(-1) for part in parts]).astype(np.float32)
