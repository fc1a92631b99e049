"""When an image is built anew, and what is in those that need no Dockerfile."""

import datetime
import hashlib
import json
import tarfile
from pathlib import Path

import pytest

from cluster.archive import ScratchImage, without_layers
from cluster.base import base_tag, shrink
from cluster.builders import own_layers
from cluster.config import REPOSITORY, Config
from cluster.errors import ConfigError
from cluster.images import SOURCES, content_key, product_image
from speaker_operator.api.v1alpha1.backends import BACKENDS


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "a.py").write_text("a = 1\n")
    (tmp_path / "package" / "b.py").write_text("b = 2\n")
    return tmp_path


def key(sources: Path) -> str:
    return content_key(sources, ["package"])


def test_the_same_content_has_the_same_key(sources: Path) -> None:
    before = key(sources)
    (sources / "package" / "a.py").touch()
    assert key(sources) == before


def test_a_changed_file_changes_the_key(sources: Path) -> None:
    before = key(sources)
    (sources / "package" / "a.py").write_text("a = 2\n")
    assert key(sources) != before


def test_a_renamed_file_changes_the_key(sources: Path) -> None:
    before = key(sources)
    (sources / "package" / "a.py").rename(sources / "package" / "c.py")
    assert key(sources) != before


def test_moving_bytes_between_files_changes_the_key(sources: Path) -> None:
    before = key(sources)
    (sources / "package" / "a.py").write_text("a = 1\nb")
    (sources / "package" / "b.py").write_text(" = 2\n")
    assert key(sources) != before


def test_compiled_files_do_not_count(sources: Path) -> None:
    before = key(sources)
    (sources / "package" / "__pycache__").mkdir()
    (sources / "package" / "__pycache__" / "a.pyc").write_bytes(b"\0")
    assert key(sources) == before


def test_every_input_is_let_into_the_build() -> None:
    lines = (REPOSITORY / ".dockerignore").read_text().splitlines()
    let_in = {line.removeprefix("!") for line in lines if line.startswith("!")}
    locks = {lock for image in Config.load().images.product.values() for lock in image.inputs}
    assert let_in == (set(SOURCES) | locks) - {".dockerignore"}


def test_every_engine_that_the_operator_names_has_an_image_with_a_lock_of_its_own() -> None:
    images = [image for name, image in Config.load().images.product.items() if name != "operator"]
    engines = {image.engine or "cpu": image.inputs for image in images}
    assert engines == {
        each.engine: (f"requirements/{each.engine}.lock",) for each in BACKENDS.values()
    }


def test_an_unknown_image_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="No image is called `web`; there are operator, runtime"):
        product_image(Config.load(), "web")


def member(archive: tarfile.TarFile, name: str) -> bytes:
    file = archive.extractfile(name)
    assert file is not None
    return file.read()


def test_a_scratch_image_holds_its_files_links_and_writable_folders(tmp_path: Path) -> None:
    (tmp_path / "tool").write_bytes(b"binary")
    image = ScratchImage(
        "localhost/x:1", ["/tool"], {"tool": tmp_path / "tool"}, links={"bin/t": "../tool"}
    )
    image.write(tmp_path / "x.tar")
    with tarfile.open(tmp_path / "x.tar") as archive:
        manifest = json.loads(member(archive, "manifest.json"))
        config = json.loads(member(archive, manifest[0]["Config"]))
        with tarfile.open(fileobj=archive.extractfile("layer.tar")) as layer:
            entries = {entry.name: entry for entry in layer}
    assert manifest[0]["RepoTags"] == ["localhost/x:1"]
    assert config["config"]["Entrypoint"] == ["/tool"]
    assert entries["tool"].mode == 0o755
    assert entries["bin/t"].linkname == "../tool"
    assert entries["tmp"].mode == 0o1777


def test_a_scratch_image_is_the_same_whenever_it_is_written(tmp_path: Path) -> None:
    (tmp_path / "tool").write_bytes(b"binary")
    image = ScratchImage("localhost/x:1", ["/tool"], {"tool": tmp_path / "tool"})
    image.write(tmp_path / "1.tar")
    image.write(tmp_path / "2.tar")
    assert (tmp_path / "1.tar").read_bytes() == (tmp_path / "2.tar").read_bytes()


def test_an_archive_without_known_layers_keeps_the_rest(tmp_path: Path) -> None:
    (tmp_path / "tool").write_bytes(b"binary")
    ScratchImage("localhost/x:1", ["/tool"], {"tool": tmp_path / "tool"}).write(tmp_path / "x.tar")
    with tarfile.open(tmp_path / "x.tar") as archive:
        layer = f"sha256:{hashlib.sha256(member(archive, 'layer.tar')).hexdigest()}"
    without_layers(tmp_path / "x.tar", tmp_path / "all.tar", [])
    without_layers(tmp_path / "x.tar", tmp_path / "thin.tar", [layer])
    with tarfile.open(tmp_path / "all.tar") as whole, tarfile.open(tmp_path / "thin.tar") as thin:
        assert set(whole.getnames()) - set(thin.getnames()) == {f"blobs/{layer.replace(':', '/')}"}
        index = json.loads(member(thin, "index.json"))
    assert index["manifests"][0]["annotations"] == {"io.containerd.image.name": "localhost/x:1"}


def test_the_base_is_renewed_every_month() -> None:
    tags = {base_tag(Config.load(), datetime.date(2026, month, 28)) for month in (11, 12)}
    assert tags == {f"localhost/debian-python:bookworm-2026-{month}" for month in (11, 12)}


def test_folders_that_programs_expect_are_emptied_but_kept(tmp_path: Path) -> None:
    for name in ("var/lib/apt/lists", "var/log/apt", "tmp", "usr/share/doc/x", "usr/bin"):
        (tmp_path / name).mkdir(parents=True)
    shrink(tmp_path)
    assert not (tmp_path / "usr/share/doc").exists()
    assert list((tmp_path / "var/log").iterdir()) == []
    assert (tmp_path / "usr/bin").exists()


def test_the_layers_of_an_image_end_where_its_base_begins() -> None:
    history = [("ENTRYPOINT", 0), ("COPY /opt/venv", 7), ("USER", 0), ('CMD ["python3"]', 0)]
    assert own_layers([*history, ("RUN base", 100)]) == [0, 7, 0]
