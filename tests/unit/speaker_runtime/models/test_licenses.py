"""Licences that have to be accepted by name stand before download, installation and loading."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from speaker_runtime.contract import ExitCode, ModelConfig
from speaker_runtime.models.bundle import pack
from speaker_runtime.models.errors import ModelError
from speaker_runtime.models.fetching import fetch, load
from speaker_runtime.models.licenses import together
from speaker_runtime.models.store import open_model
from tests.support.models import ignore
from tests.support.webserver import Site, website

SOURCE = "hf://owner/model@abc123"
INFO = "/api/models/owner/model/revision/abc123"
TREE = "/api/models/owner/model/tree/abc123?recursive=true&limit=1000"
FILE = "/owner/model/resolve/abc123/model.onnx"
XTTS = {"license": "other", "license_name": "coqui-public-model-license"}
WEIGHTS = b"weights"


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    with website() as running:
        monkeypatch.setenv("HF_ENDPOINT", running.url)
        oid = hashlib.sha256(WEIGHTS).hexdigest()
        lfs = {"oid": oid, "size": len(WEIGHTS)}
        tree = [{"type": "file", "path": "model.onnx", "size": len(WEIGHTS), "lfs": lfs}]
        running.files |= {TREE: json.dumps(tree).encode(), FILE: WEIGHTS}
        card(running, XTTS)
        yield running


def card(site: Site, metadata: Mapping[str, object] | None) -> None:
    """Give the model a card with this metadata."""
    site.files[INFO] = json.dumps({"id": "owner/model", "cardData": metadata}).encode()


def config(tmp_path: Path, accepted: str | None = None, source: str = SOURCE) -> ModelConfig:
    return ModelConfig(source=source, directory=tmp_path / "model", accept_license=accepted)


def refused(error: pytest.ExceptionInfo[ModelError], license_name: str) -> None:
    assert error.value.exit_code is ExitCode.LICENSE_NOT_ACCEPTED
    assert f"under the licence {license_name}," in error.value.message
    assert f"acceptLicense: {license_name} under spec.model" in error.value.remedy


def test_nothing_is_downloaded_before_the_licence_is_accepted(site: Site, tmp_path: Path) -> None:
    with pytest.raises(ModelError) as error:
        fetch(config(tmp_path), ignore)
    refused(error, "CPML")
    assert [path for path, _ in site.requests] == [INFO]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ((None, "CPML"), "CPML"),
        (("CPML", "cpml"), "cpml"),
        (("CC-BY-NC-4.0", "CPML"), "CC-BY-NC-4.0 AND CPML"),
        (("CC-BY-NC-4.0 AND CPML", "CPML"), "CC-BY-NC-4.0 AND CPML"),
        (("other", "CPML"), "CPML"),
        (("other", None), "other"),
        ((None, None), None),
    ],
)
def test_licences_are_accepted_together(
    names: tuple[str | None, ...], expected: str | None
) -> None:
    assert together(*names) == expected


@pytest.mark.parametrize("accepted", ["CPML", "cpml"])
def test_who_accepts_the_licence_by_name_gets_the_model(
    site: Site, tmp_path: Path, accepted: str
) -> None:
    fetch(config(tmp_path, accepted), ignore)
    assert open_model(config(tmp_path, accepted)).manifest.accept_license == "CPML"


def test_another_licence_is_not_this_one(site: Site, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="acceptLicense names MIT") as error:
        fetch(config(tmp_path, "MIT"), ignore)
    refused(error, "CPML")


def test_a_fetched_model_is_not_loaded_by_who_does_not_accept(site: Site, tmp_path: Path) -> None:
    fetch(config(tmp_path, "CPML"), ignore)
    with pytest.raises(ModelError) as error:
        open_model(config(tmp_path))
    refused(error, "CPML")


def test_a_fetched_model_is_not_used_by_who_does_not_accept(site: Site, tmp_path: Path) -> None:
    fetch(config(tmp_path, "CPML"), ignore)
    with pytest.raises(ModelError) as error:
        fetch(config(tmp_path), ignore)
    refused(error, "CPML")


def test_the_licence_travels_with_a_bundle(site: Site, tmp_path: Path) -> None:
    fetch(config(tmp_path, "CPML"), ignore)
    pack(config(tmp_path, "CPML"), tmp_path / "bundle.tar")
    with pytest.raises(ModelError) as error:
        load(config(tmp_path / "elsewhere"), tmp_path / "bundle.tar", ignore)
    refused(error, "CPML")
    assert not (tmp_path / "elsewhere").exists()


def test_the_licence_travels_with_a_directory_that_is_offered_to_others(
    site: Site, tmp_path: Path
) -> None:
    fetch(config(tmp_path, "CPML"), ignore)
    source = f"file://{tmp_path}/model"
    with pytest.raises(ModelError) as error:
        fetch(config(tmp_path / "elsewhere", source=source), ignore)
    refused(error, "CPML")


@pytest.mark.parametrize(
    ("metadata", "license_name"),
    [
        ({"license": "cc-by-nc-4.0"}, "cc-by-nc-4.0"),
        ({"license": "llama3"}, "llama3"),
        ({"license": "other"}, "other"),
        ({"license": "other", "license_name": "our-terms"}, "our-terms"),
        ({"license": ["mit", "openrail", "cc-by-nc-4.0"]}, "cc-by-nc-4.0 AND openrail"),
    ],
)
def test_a_licence_that_restricts_use_has_to_be_accepted(
    site: Site, tmp_path: Path, metadata: dict[str, object], license_name: str
) -> None:
    card(site, metadata)
    with pytest.raises(ModelError) as error:
        fetch(config(tmp_path), ignore)
    refused(error, license_name)
    fetch(config(tmp_path, license_name), ignore)


@pytest.mark.parametrize(
    "metadata",
    [None, {}, {"license": "apache-2.0"}, {"license": "MIT"}, {"license": ["mit", "cc-by-4.0"]}],
)
def test_a_free_licence_need_not_be_accepted(
    site: Site, tmp_path: Path, metadata: dict[str, object] | None
) -> None:
    card(site, metadata)
    fetch(config(tmp_path), ignore)
    assert open_model(config(tmp_path)).manifest.accept_license is None
