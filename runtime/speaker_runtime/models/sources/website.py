"""``https://HOST/PATH``: a model's directory behind a web server."""

from collections.abc import Iterator
from urllib.parse import quote

from speaker_runtime.models.manifest import MANIFEST_FILE, FileEntry
from speaker_runtime.models.sources.base import Workspace
from speaker_runtime.models.sources.listing import OfferedDirectory, require_pin, split_pin


class WebsiteSource(OfferedDirectory):
    """Downloads the files that the manifest at the address names."""

    def __init__(self, address: str, workspace: Workspace) -> None:
        self._url, pin = split_pin(address)
        self._web = workspace.web
        if address.startswith("http://"):
            require_pin(pin, address, "")
        super().__init__(f"{self._url}/{MANIFEST_FILE}", pin)

    def read(self, entry: FileEntry, offset: int) -> Iterator[bytes]:
        """Download a file."""
        url = f"{self._url}/{quote(entry.name)}"
        return self._web().read(url, offset=offset, size=entry.size)

    def _manifest(self) -> bytes:
        return self._web().document(self._where)
