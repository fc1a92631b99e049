"""The audio formats that a response may have."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Final, Literal


class AudioFormat(StrEnum):
    """The values of ``response_format``."""

    MP3 = "mp3"
    OPUS = "opus"
    AAC = "aac"
    FLAC = "flac"
    WAV = "wav"
    PCM = "pcm"


@dataclass(frozen=True)
class Container:
    """How a format is written, in FFmpeg's names."""

    muxer: str
    codec: Literal["libmp3lame", "libopus", "aac", "flac", "pcm_s16le"]
    bit_rate: int | None = None
    options: Mapping[str, str] = field(default_factory=dict)


CONTENT_TYPES: Final[Mapping[AudioFormat, str]] = MappingProxyType(
    {
        AudioFormat.MP3: "audio/mpeg",
        AudioFormat.OPUS: "audio/ogg",
        AudioFormat.AAC: "audio/aac",
        AudioFormat.FLAC: "audio/flac",
        AudioFormat.WAV: "audio/wav",
        AudioFormat.PCM: "audio/pcm",
    }
)

CONTAINERS: Final[Mapping[AudioFormat, Container]] = MappingProxyType(
    {
        # The Xing header counts frames and would have to be written last, at the file's start.
        AudioFormat.MP3: Container("mp3", "libmp3lame", 96_000, {"write_xing": "0"}),
        # Pages of 20 ms: the default holds back a whole second.
        AudioFormat.OPUS: Container("ogg", "libopus", 48_000, {"page_duration": "20000"}),
        AudioFormat.AAC: Container("adts", "aac", 96_000),
        AudioFormat.FLAC: Container("flac", "flac"),
        AudioFormat.WAV: Container("wav", "pcm_s16le"),
        AudioFormat.PCM: Container("s16le", "pcm_s16le"),
    }
)
"""Every muxer writes to a sink that cannot seek, so streamed lengths are unknown (0xFFFFFFFF)."""
