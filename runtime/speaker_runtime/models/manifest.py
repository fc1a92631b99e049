"""``manifest.json`` beside a model's files: where they came from and what they should be."""

import hashlib
from collections.abc import Iterable
from typing import Final

from pydantic import Field

from speaker_runtime.contract import Document

MANIFEST_FILE: Final = "manifest.json"


class FileEntry(Document):
    """One file of a model, by its path inside the model's directory."""

    name: str = Field(min_length=1, pattern=r"^\w[\w.-]*(/\w[\w.-]*)*$")
    size: int = Field(ge=0, description="Bytes.")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class ModelManifest(Document):
    """Everything that lies in a model's directory."""

    source: str
    digest: str = Field(description="sha256 over the sorted names and digests of all files.")
    accept_license: str | None = Field(
        default=None,
        min_length=1,
        max_length=128,
        description="Licence that whoever uses the model has to accept by name.",
    )
    files: tuple[FileEntry, ...]

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(entry.size for entry in self.files)


def build(
    source: str, files: Iterable[FileEntry], accept_license: str | None = None
) -> ModelManifest:
    """Describe ``files`` of ``source``, with a digest that depends on their content alone."""
    ordered = tuple(sorted(files, key=lambda entry: entry.name))
    listing = "".join(f"{entry.sha256}  {entry.name}\n" for entry in ordered)
    digest = hashlib.sha256(listing.encode()).hexdigest()
    return ModelManifest(
        source=source, digest=f"sha256:{digest}", accept_license=accept_license, files=ordered
    )
