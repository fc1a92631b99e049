"""Addresses of models."""

import hashlib
from pathlib import Path

import pytest

from speaker_runtime.contract import ExitCode
from speaker_runtime.models import sources
from speaker_runtime.models.errors import ModelError
from speaker_runtime.models.manifest import FileEntry, build
from speaker_runtime.models.sources.base import Workspace
from speaker_runtime.models.web import Web


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path, Web, lambda _: None)


@pytest.mark.parametrize(
    ("address", "word"),
    [
        ("ftp://x/y", "package://"),
        ("hibari-tts", "https://"),
        ("package://", "file://"),
        ("://x", "package://"),
        ("package:x", "package://"),
        ("file://models/here", "file:///mnt/model"),
        ("http://models.example/here", "@sha256:"),
        ("https://models.example/here@sha256:beef", "64 hexadecimal digits"),
        ("s3://Bucket/here", "s3://BUCKET/PREFIX"),
        ("s3://bucket/../here", "s3://BUCKET/PREFIX"),
        ("pvc:///here", "pvc://CLAIM/PATH"),
        ("pvc://models/../here", "pvc://CLAIM/PATH"),
        ("pvc://models/here", "file:///PATH"),
    ],
)
def test_an_address_that_nobody_reads_is_a_wrong_configuration(
    workspace: Workspace, address: str, word: str
) -> None:
    with pytest.raises(ModelError) as failed:
        sources.resolve(address, workspace)
    assert failed.value.exit_code is ExitCode.INVALID_CONFIG
    assert word in failed.value.remedy


@pytest.mark.parametrize("value", ["models:9000", "ftp://models", "https://", "http://[::1"])
@pytest.mark.parametrize(
    ("variable", "address"),
    [
        ("HF_ENDPOINT", "hf://owner/model@main"),
        ("AWS_ENDPOINT_URL", "s3://models/kokoro"),
        ("AWS_ENDPOINT_URL_S3", "s3://models/kokoro"),
    ],
)
def test_a_server_that_is_none_is_a_wrong_configuration(
    workspace: Workspace,
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
    address: str,
    value: str,
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(ModelError) as failed:
        sources.resolve(address, workspace)
    assert failed.value.exit_code is ExitCode.INVALID_CONFIG
    assert f"{variable}=https://HOST" in failed.value.remedy


def test_a_package_names_its_weights_with_their_digests(workspace: Workspace) -> None:
    source = sources.resolve("package://hibari-tts", workspace)
    entries = source.list()
    assert [entry.name for entry in entries] == ["hibari.onnx", "voices.json"]
    for entry in entries:
        content = b"".join(source.read(entry, 0))
        assert hashlib.sha256(content).hexdigest() == entry.sha256
        assert b"".join(source.read(entry, 100)) == content[100:]


def test_a_package_without_weights_is_unavailable(workspace: Workspace) -> None:
    with pytest.raises(ModelError) as failed:
        sources.resolve("package://pytest", workspace).list()
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
