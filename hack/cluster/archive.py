"""Images made of a few files and nothing else, as archives that container runtimes import."""

import hashlib
import io
import json
import os
import tarfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cluster.errors import ClusterError

OCI = "application/vnd.oci.image"


@dataclass(frozen=True)
class ScratchImage:
    """What goes into an image; paths in it are relative to its root.

    Attributes:
        name: Full name with tag.
        entrypoint: The command of its containers.
        files: Executable files, by path.
        links: Symbolic links: path to target.
        directories: Folders that anybody may write to.
    """

    name: str
    entrypoint: Sequence[str]
    files: Mapping[str, Path]
    links: Mapping[str, str] = field(default_factory=dict)
    directories: Iterable[str] = ("tmp",)

    def write(self, target: Path) -> None:
        """Write the archive, whole or not at all; the same content gives the same bytes."""
        layer = self._layer()
        digest = hashlib.sha256(layer).hexdigest()
        config = json.dumps(
            {
                "architecture": _architecture(),
                "os": "linux",
                "config": {"Entrypoint": list(self.entrypoint), "Env": ["PATH=/bin"]},
                "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]},
            }
        ).encode()
        config_name = f"{hashlib.sha256(config).hexdigest()}.json"
        manifest = [{"Config": config_name, "RepoTags": [self.name], "Layers": ["layer.tar"]}]
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(f".{target.name}.{os.getpid()}")
        with tarfile.open(partial, "w") as archive:
            _add(archive, config_name, config)
            _add(archive, "layer.tar", layer)
            _add(archive, "manifest.json", json.dumps(manifest).encode())
        partial.replace(target)

    def _layer(self) -> bytes:
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as layer:
            for name in self.directories:
                folder = tarfile.TarInfo(name)
                folder.type, folder.mode = tarfile.DIRTYPE, 0o1777
                layer.addfile(folder)
            for name, file in self.files.items():
                _add(layer, name, file.read_bytes(), mode=0o755)
            for name, destination in self.links.items():
                link = tarfile.TarInfo(name)
                link.type, link.linkname = tarfile.SYMTYPE, destination
                layer.addfile(link)
        return buffer.getvalue()


def _add(archive: tarfile.TarFile, name: str, data: bytes, mode: int = 0o644) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(data), mode
    archive.addfile(entry, io.BytesIO(data))


def _architecture() -> str:
    machine = os.uname().machine
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(machine, machine)


def without_layers(source: Path, target: Path, present: Iterable[str]) -> None:
    """Write an archive anew, as an OCI layout that lacks the layers a node already has.

    Args:
        source: An archive of one image, as ``docker save`` and ``buildah push`` write it.
        target: Where to write.
        present: Digests of what the node has, ``sha256:…``.
    """
    known = set(present)
    with tarfile.open(source) as old, tarfile.open(target, "w") as new:
        image = json.loads(_read(old, "manifest.json"))[0]
        config = _read(old, image["Config"])
        digests = json.loads(config)["rootfs"]["diff_ids"]
        members = [old.getmember(name) for name in image["Layers"]]
        manifest = json.dumps(
            {
                "schemaVersion": 2,
                "mediaType": f"{OCI}.manifest.v1+json",
                "config": _descriptor(f"{OCI}.config.v1+json", _digest(config), len(config)),
                "layers": [
                    _descriptor(f"{OCI}.layer.v1.tar", digest, member.size)
                    for digest, member in zip(digests, members, strict=True)
                ],
            }
        ).encode()
        entry = _descriptor(f"{OCI}.manifest.v1+json", _digest(manifest), len(manifest))
        entry["annotations"] = {"io.containerd.image.name": image["RepoTags"][0]}
        index = {"schemaVersion": 2, "manifests": [entry]}
        _add(new, "oci-layout", json.dumps({"imageLayoutVersion": "1.0.0"}).encode())
        _add(new, "index.json", json.dumps(index).encode())
        _add(new, _blob(_digest(manifest)), manifest)
        _add(new, _blob(_digest(config)), config)
        for digest, member in zip(digests, members, strict=True):
            if digest not in known:
                blob = tarfile.TarInfo(_blob(digest))
                blob.size = member.size
                new.addfile(blob, old.extractfile(member))


def _descriptor(media_type: str, digest: str, size: int) -> dict[str, object]:
    return {"mediaType": media_type, "digest": digest, "size": size}


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def _blob(digest: str) -> str:
    return f"blobs/{digest.replace(':', '/')}"


def _read(archive: tarfile.TarFile, name: str) -> bytes:
    file = archive.extractfile(name)
    if file is None:
        raise ClusterError(f"{str(archive.name)!r} has no file {name!r}")
    return file.read()
