"""Model repositories on a server that speaks as the Hugging Face Hub does."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from speaker_runtime.contract import ExitCode
from tests.support.models import failure, fetched
from tests.support.webserver import Answer, Site, website

WEIGHTS = bytes(range(256)) * 4096
CONFIG = b'{"sampleRate": 24000}'
FILES = {"onnx/model.onnx": WEIGHTS, "onnx/config.json": CONFIG, ".gitattributes": b"*.onnx"}
TREE = "/api/models/owner/model/tree/abc123{}?recursive=true&limit=1000"
INFO = "/api/models/owner/model/revision/abc123"
WHERE = "/owner/model/resolve/abc123"


def listed(path: str, content: bytes) -> dict[str, object]:
    if path.endswith(".onnx"):
        oid = hashlib.sha256(content).hexdigest()
        return {
            "type": "file",
            "path": path,
            "size": len(content),
            "oid": "0" * 40,
            "lfs": {"oid": oid, "size": len(content), "pointerSize": 134},
        }
    oid = hashlib.sha1(f"blob {len(content)}\0".encode() + content).hexdigest()
    return {"type": "file", "path": path, "size": len(content), "oid": oid}


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    with website() as running:
        monkeypatch.setenv("HF_ENDPOINT", f"{running.url}/")
        monkeypatch.delenv("HF_TOKEN", raising=False)
        folder = {"type": "directory", "path": "onnx", "oid": "0" * 40, "size": 0}
        tree = [folder, *(listed(path, content) for path, content in FILES.items())]
        running.files[INFO] = json.dumps({"cardData": {"license": "apache-2.0"}}).encode()
        running.files[TREE.format("")] = json.dumps(tree).encode()
        running.files[TREE.format("/onnx")] = json.dumps(tree[1:3]).encode()
        running.files |= {f"{WHERE}/{path}": content for path, content in FILES.items()}
        yield running


def test_every_file_but_dot_files_is_fetched(site: Site, tmp_path: Path) -> None:
    expected = {"onnx/model.onnx": WEIGHTS, "onnx/config.json": CONFIG}
    assert fetched(tmp_path, "hf://owner/model@abc123") == expected


def test_a_folder_is_a_model_of_its_own(site: Site, tmp_path: Path) -> None:
    expected = {"model.onnx": WEIGHTS, "config.json": CONFIG}
    assert fetched(tmp_path, "hf://owner/model@abc123/onnx/") == expected


def test_a_cut_download_is_resumed(site: Site, tmp_path: Path) -> None:
    site.plans[f"{WHERE}/onnx/model.onnx"] = [Answer(cut_after=500_000)]
    assert fetched(tmp_path, "hf://owner/model@abc123")["onnx/model.onnx"] == WEIGHTS


@pytest.mark.parametrize("path", ["onnx/model.onnx", "onnx/config.json"])
def test_wrong_bytes_are_refused(site: Site, tmp_path: Path, path: str) -> None:
    site.files[f"{WHERE}/{path}"] = bytes(len(FILES[path]))
    error = failure(tmp_path, "hf://owner/model@abc123")
    assert error.exit_code is ExitCode.MODEL_CORRUPT


def test_a_token_is_shown_to_the_hub_alone(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "secret")
    with website() as storage:
        storage.files["/blob"] = WEIGHTS
        elsewhere = Answer(status=302, headers={"Location": f"{storage.url}/blob"})
        site.plans[f"{WHERE}/onnx/model.onnx"] = [elsewhere]
        fetched(tmp_path, "hf://owner/model@abc123")
        assert storage.credentials == [None]
    assert set(site.credentials) == {"Bearer secret"}


def test_a_model_that_needs_a_login_says_which_variable(site: Site, tmp_path: Path) -> None:
    site.plans[INFO] = [Answer(status=401)]
    remedy = failure(tmp_path, "hf://owner/model@abc123").remedy
    assert "HF_TOKEN" in remedy
    assert "spec.model.credentialsSecret" in remedy


@pytest.mark.parametrize("tree", [b"<html>", b"{}", b"[]", b'[{"type": "file", "path": "a"}]'])
def test_a_listing_of_another_form_is_told(site: Site, tmp_path: Path, tree: bytes) -> None:
    site.files[TREE.format("")] = tree
    error = failure(tmp_path, "hf://owner/model@abc123")
    assert error.exit_code is ExitCode.MODEL_UNAVAILABLE
    assert "HF_ENDPOINT" in error.remedy


@pytest.mark.parametrize("info", [b"<html>", b"[]"])
def test_a_description_of_another_form_is_told(site: Site, tmp_path: Path, info: bytes) -> None:
    site.files[INFO] = info
    error = failure(tmp_path, "hf://owner/model@abc123")
    assert error.exit_code is ExitCode.MODEL_UNAVAILABLE
    assert "HF_ENDPOINT" in error.remedy


def test_more_files_than_one_listing_takes_are_refused(site: Site, tmp_path: Path) -> None:
    tree = [listed(f"{number}.onnx", b"") for number in range(1000)]
    site.files[TREE.format("")] = json.dumps(tree).encode()
    assert "name a folder" in failure(tmp_path, "hf://owner/model@abc123").message


@pytest.mark.parametrize(
    "source", ["hf://owner/model", "hf://model@main", "hf://owner/model@abc123/../x"]
)
def test_a_revision_has_to_be_named(site: Site, tmp_path: Path, source: str) -> None:
    error = failure(tmp_path, source)
    assert error.exit_code is ExitCode.INVALID_CONFIG
    assert "hf://OWNER/NAME@REVISION" in error.remedy
