"""``https://HOST/PATH``: a model's directory behind a web server."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import ClassVar
from urllib.parse import quote

from speaker_runtime.contract import ExitCode
from speaker_runtime.models.errors import ModelError
from speaker_runtime.models.manifest import MANIFEST_FILE, FileEntry, ModelManifest
from speaker_runtime.models.sources.base import Workspace
from speaker_runtime.models.sources.listing import read_listing, split_pin


class WebsiteSource:
    """Downloads the files that the manifest at the address names."""

    local: ClassVar[bool] = False
    scratch: int = 0

    def __init__(self, address: str, workspace: Workspace) -> None:
        self._url, self._pin = split_pin(address)
        self._web = workspace.web
        if address.startswith("http://") and self._pin is None:
            raise ModelError(
                ExitCode.INVALID_CONFIG,
                f"model.source {address!r} is read without encryption, so anybody on the way could "
                "change the model.",
                "Write https://, or add @sha256: and the digest that `model fetch` printed.",
            )

    def license(self) -> str | None:
        """The one that the manifest tells of."""
        return self._listing.accept_license

    def list(self) -> Sequence[FileEntry]:
        """Name the files of the manifest."""
        return self._listing.files

    def read(self, entry: FileEntry, offset: int) -> Iterator[bytes]:
        """Download a file."""
        url = f"{self._url}/{quote(entry.name)}"
        return self._web().read(url, offset=offset, size=entry.size)

    @cached_property
    def _listing(self) -> ModelManifest:
        where = f"{self._url}/{MANIFEST_FILE}"
        return read_listing(self._web().document(where), where, self._pin)
