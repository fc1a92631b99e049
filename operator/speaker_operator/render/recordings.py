"""Which content may be a recording at all: nothing else of a Secret is to leave it. Pure."""

from typing import Final

_CONTAINERS: Final = (b"RIFF", b"fLaC", b"ID3", b"OggS", b"\x1a\x45\xdf\xa3")
"""How wav, flac, tagged mp3, ogg and opus, and webm begin."""
_ISO_MEDIA: Final = b"ftyp"
"""Behind four bytes of length: m4a."""


def may_be_audio(content: bytes) -> bool:
    """Whether it begins like one of the formats that references may have.

    Whoever may write a Voice can name any Secret. The digest of a short password would be enough to
    guess it, so that not even this is made of what is no recording.
    """
    return content.startswith(_CONTAINERS) or content[4:8] == _ISO_MEDIA or _is_mp3(content)


def _is_mp3(content: bytes) -> bool:
    """Whether it begins with the header of an MPEG audio frame."""
    if len(content) < 4:  # noqa: PLR2004  of a header
        return False
    sync = content[0] == 0xFF and content[1] >> 5 == 0b111  # noqa: PLR2004  eleven bits that are set
    version, layer, bitrate = content[1] >> 3 & 0b11, content[1] >> 1 & 0b11, content[2] >> 4
    return sync and version != 0b01 and layer == 0b01 and bitrate not in {0, 0b1111}
