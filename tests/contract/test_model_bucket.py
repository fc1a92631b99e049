"""A model that was put into a bucket of a real S3 server, fetched from there."""

from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer

from speaker_runtime.contract import ExitCode, ModelConfig
from speaker_runtime.models.fetching import fetch
from speaker_runtime.models.store import verify
from tests.support.models import failure, fetched, ignore

FILES = {"hibari.onnx", "voices.json"}


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    running = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    yield f"http://{host}:{port}"
    running.stop()


@pytest.fixture
def bucket(server: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """Put a fetched model into a private bucket; gives its address."""
    for name, value in {
        "AWS_ENDPOINT_URL": server,
        "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "an-example-secret",
        "AWS_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    original = ModelConfig(source="package://hibari-tts", directory=tmp_path / "original")
    digest = fetch(original, ignore).model.manifest.digest
    s3 = boto3.client("s3", region_name="us-east-1")
    s3.create_bucket(Bucket="models")
    for file in original.directory.iterdir():
        s3.upload_file(str(file), "models", f"voices/hibari/{file.name}")
    return f"s3://models/voices/hibari@{digest}"


def test_a_model_comes_out_as_it_was_put_in(bucket: str, tmp_path: Path) -> None:
    assert fetched(tmp_path, bucket).keys() == FILES
    verify(ModelConfig(source=bucket, directory=tmp_path / "model"))


def test_a_private_bucket_refuses_who_shows_no_credentials(
    bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SKIP_SIGNATURE", "true")
    error = failure(tmp_path, bucket)
    assert error.exit_code is ExitCode.LOGIN_REFUSED
    assert "answers 403" in error.message


def test_a_bucket_that_is_not_there_is_unavailable(bucket: str, tmp_path: Path) -> None:
    error = failure(tmp_path, bucket.replace("//models", "//nothing"))
    assert error.exit_code is ExitCode.MODEL_UNAVAILABLE
    assert "answers 404" in error.message
