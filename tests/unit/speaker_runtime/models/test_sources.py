"""Addresses of models."""

import hashlib

import pytest

from speaker_runtime.contract import ExitCode
from speaker_runtime.models import sources
from speaker_runtime.models.errors import ModelError
from speaker_runtime.models.manifest import FileEntry, build


@pytest.mark.parametrize("address", ["ftp://x/y", "hibari-tts", "package://", "://x", "package:x"])
def test_an_address_that_nobody_reads_is_a_wrong_configuration(address: str) -> None:
    with pytest.raises(ModelError) as failed:
        sources.resolve(address)
    assert failed.value.exit_code is ExitCode.INVALID_CONFIG
    assert "package://" in failed.value.remedy


def test_a_package_names_its_weights_with_their_digests() -> None:
    source, location = sources.resolve("package://hibari-tts")
    entries = source.list(location)
    assert [entry.name for entry in entries] == ["hibari.onnx", "voices.json"]
    for entry in entries:
        with source.open(location, entry) as stream:
            assert hashlib.sha256(stream.read()).hexdigest() == entry.sha256


def test_a_package_without_weights_is_unavailable() -> None:
    source, _ = sources.resolve("package://pytest")
    with pytest.raises(ModelError) as failed:
        source.list("pytest")
    assert failed.value.exit_code is ExitCode.MODEL_UNAVAILABLE
    assert "hibari-tts" in failed.value.remedy


def test_the_digest_depends_on_content_alone() -> None:
    one, two = (FileEntry(name=name, size=1, sha256=name * 64) for name in "ab")
    changed = FileEntry(name="b", size=1, sha256="c" * 64)
    assert build("x://1", [one, two]).digest == build("x://2", [two, one]).digest
    assert build("x://1", [one, two]).digest != build("x://1", [one, changed]).digest


@pytest.mark.parametrize("name", ["../etc/passwd", "/etc/passwd", "a//b", "a/../b/", ""])
def test_a_file_lies_inside_the_models_directory(name: str) -> None:
    with pytest.raises(ValueError, match="name"):
        FileEntry(name=name, size=0, sha256="0" * 64)
