"""Images made of a few files and nothing else, as archives that container runtimes import."""

import hashlib
import io
import json
import os
import tarfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path


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
