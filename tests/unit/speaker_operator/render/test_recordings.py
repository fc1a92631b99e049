"""Which content may be a recording at all."""

import pytest

from speaker_operator.render.recordings import may_be_audio
from tests.support.clips import RATE, encoded, voiced, wav

SPOKEN = voiced(110, seconds=0.5)


@pytest.mark.parametrize(
    ("container", "codec"),
    [
        *(("flac", "flac"), ("mp3", "mp3"), ("ogg", "libopus")),
        *(("webm", "libopus"), ("ipod", "aac")),
    ],
)
def test_files_of_every_format_may_be(container: str, codec: str) -> None:
    assert may_be_audio(encoded(SPOKEN, container, codec, RATE))


def test_a_wav_may_be() -> None:
    assert may_be_audio(wav(SPOKEN))


def test_an_mp3_without_tags_may_be() -> None:
    tagged = encoded(SPOKEN, "mp3", "mp3", RATE)
    assert tagged.startswith(b"ID3")
    length = int.from_bytes(tagged[6:10], "big")
    assert length < 2**7, "else it is written otherwise"
    assert may_be_audio(tagged[10 + length :])


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"\xff", b"hunter2", b"-----BEGIN PRIVATE KEY-----", b'{"auths": {}}'),
        *(b"PK\x03\x04", b"\x1f\x8b\x08\x00", b"\xff\xd8\xff\xe0 a photo", b"\xff\xfe\x00u"),
    ],
)
def test_what_else_lies_in_secrets_may_not(content: bytes) -> None:
    assert not may_be_audio(content)
