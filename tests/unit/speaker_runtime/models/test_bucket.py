"""Models in S3 buckets, on a server of this machine."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from speaker_runtime.contract import ExitCode
from tests.support.models import failure, fetched
from tests.support.webserver import Answer, Site, website

WEIGHTS = bytes(range(256)) * 8192
FILES = {"weights.onnx": WEIGHTS, "voices/ana.bin": b"ana"}
PATH = "/bucket/models/kokoro/weights.onnx"
KEY, SECRET = "AKIDEXAMPLE", "an-example-secret"


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    with website() as running:
        monkeypatch.setenv("AWS_ENDPOINT_URL", running.url)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
        monkeypatch.setenv("AWS_REGION", "eu-north-1")
        yield running


@pytest.fixture
def source(site: Site) -> str:
    digest = site.offer("bucket/models/kokoro", FILES).digest
    return f"s3://bucket/models/kokoro@{digest}"


def test_the_files_below_a_prefix_are_a_model(source: str, tmp_path: Path) -> None:
    assert fetched(tmp_path, source) == FILES


def test_a_whole_bucket_may_be_a_model(site: Site, tmp_path: Path) -> None:
    digest = site.offer("bucket", FILES).digest
    assert fetched(tmp_path, f"s3://bucket@{digest}") == FILES


def test_every_request_is_signed_as_amazons_own_library_signs_it(
    site: Site, source: str, tmp_path: Path
) -> None:
    fetched(tmp_path, source)
    assert len(site.requests) == 3
    for address, _ in site.requests:
        query = parse_qs(urlsplit(address).query)
        url = f"{site.url}{urlsplit(address).path}"
        assert query["X-Amz-Signature"] == [signature(url, query)]


def signature(url: str, query: dict[str, list[str]]) -> str:
    """What botocore would sign, at the time and for as long as the query says."""
    auth = S3SigV4QueryAuth(
        Credentials(KEY, SECRET), "s3", "eu-north-1", expires=int(query["X-Amz-Expires"][0])
    )
    request = AWSRequest(method="GET", url=url)
    request.context["timestamp"] = query["X-Amz-Date"][0]
    auth._modify_request_before_signing(request)
    text = auth.string_to_sign(request, auth.canonical_request(request))
    return str(auth.signature(text, request))


def test_a_cut_download_is_resumed(site: Site, source: str, tmp_path: Path) -> None:
    site.plans[PATH] = [Answer(cut_after=1_500_000)]
    assert fetched(tmp_path, source) == FILES
    ranges = [asked for path, asked in site.requests if PATH in path]
    assert ranges[0] is None
    assert all(asked and asked != "bytes=0-" for asked in ranges[1:])


def test_wrong_bytes_are_refused(site: Site, source: str, tmp_path: Path) -> None:
    site.files[PATH] = bytes(len(WEIGHTS))
    assert failure(tmp_path, source).exit_code is ExitCode.MODEL_CORRUPT


def test_a_refusal_names_the_credentials_and_does_not_show_them(
    site: Site, source: str, tmp_path: Path
) -> None:
    site.plans["/bucket/models/kokoro/manifest.json"] = [Answer(status=403)]
    error = failure(tmp_path, source)
    assert error.exit_code is ExitCode.LOGIN_REFUSED
    assert "answers 403" in error.message
    assert "AWS_ACCESS_KEY_ID" in error.remedy
    assert all(hidden not in str(error) for hidden in (KEY, SECRET, "X-Amz"))


def test_a_public_bucket_is_asked_without_a_signature(
    site: Site, source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SKIP_SIGNATURE", "true")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    assert fetched(tmp_path, source) == FILES
    assert all("?" not in path for path, _ in site.requests)


def test_missing_credentials_are_asked_for(
    site: Site, source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    error = failure(tmp_path, source)
    assert error.exit_code is ExitCode.MODEL_UNAVAILABLE
    assert "spec.model.credentialsSecret" in error.remedy
    assert site.requests == []


def test_what_is_read_without_encryption_has_to_be_pinned(source: str, tmp_path: Path) -> None:
    error = failure(tmp_path, source.partition("@")[0])
    assert error.exit_code is ExitCode.INVALID_CONFIG
    assert "AWS_ENDPOINT_URL" in error.message
    assert "@sha256:" in error.remedy
