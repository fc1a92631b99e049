"""``hf://OWNER/NAME@REVISION/PATH``: files of a model repository on the Hugging Face Hub.

``HF_ENDPOINT`` names a mirror; ``HF_TOKEN`` lets in where a model's authors ask for a login.
"""

import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Final
from urllib.parse import quote

from speaker_runtime.contract import ExitCode
from speaker_runtime.models.errors import ModelError
from speaker_runtime.models.licenses import OTHER, to_accept, together
from speaker_runtime.models.manifest import FileEntry
from speaker_runtime.models.servers import require_server
from speaker_runtime.models.sources.base import Workspace

_ENDPOINT: Final = "https://huggingface.co"
_ADDRESS: Final = re.compile(
    r"hf://(?P<repository>[\w.-]+/[\w.-]+)@(?P<revision>[\w.-]+)(?:/(?P<folder>[\w./-]+?))?/*",
    re.ASCII,
)
_PAGE: Final = 1000
"""Most files that the Hub lists in one answer."""


class HubSource:
    """Downloads every file below a folder of one revision, apart from dot files."""

    local: ClassVar[bool] = False
    scratch: int = 0

    def __init__(self, address: str, workspace: Workspace) -> None:
        match = _ADDRESS.fullmatch(address)
        if match is None or ".." in address.split("/"):
            raise ModelError(
                ExitCode.INVALID_CONFIG,
                f"model.source {address!r} names no revision of a model repository.",
                "Write hf://OWNER/NAME@REVISION, best with a commit's hash as the revision.",
            )
        self._repository = match["repository"]
        self._revision = match["revision"]
        self._folder = f"{match['folder']}/" if match["folder"] else ""
        endpoint = os.environ.get("HF_ENDPOINT") or _ENDPOINT
        self._endpoint = require_server(endpoint, "HF_ENDPOINT")
        self._token = os.environ.get("HF_TOKEN") or None
        self._web = workspace.web
        self._choose = workspace.choose

    def license(self) -> str | None:
        """The one of the model's card, where it asks to be accepted."""
        card = self._info().get("cardData")
        card = card if isinstance(card, dict) else {}
        stated = card.get("license")
        names = stated if isinstance(stated, list) else [stated] if stated else []
        asking = [
            to_accept(str(card.get("license_name") or each) if each == OTHER else str(each))
            for each in names
        ]
        return together(*asking)

    def list(self) -> Sequence[FileEntry]:
        """Name the files of the revision; small ones that have no sha256 are read for it."""
        found = {
            str(each["path"]).removeprefix(self._folder): each
            for each in self._tree()
            if each.get("type") == "file" and "/." not in f"/{each['path']}"
        }
        if not found:
            raise self._strange("has no files there")
        return [self._entry(name, found[name]) for name in self._choose(found.keys())]

    def read(self, entry: FileEntry, offset: int) -> Iterator[bytes]:
        """Download a file."""
        url = self._url(entry.name)
        return self._web().read(url, offset=offset, size=entry.size, token=self._token)

    def _info(self) -> Mapping[str, Any]:
        info = self._asked(f"revision/{self._revision}")
        if not isinstance(info, dict):
            raise self._strange("is not described in the form of the Hub")
        return info

    def _tree(self) -> Sequence[Mapping[str, Any]]:
        folder = f"/{quote(self._folder.rstrip('/'))}" if self._folder else ""
        tree = self._asked(f"tree/{self._revision}{folder}?recursive=true&limit={_PAGE}")
        if not isinstance(tree, list) or not all(isinstance(each, dict) for each in tree):
            raise self._strange("is not listed in the form of the Hub")
        if len(tree) >= _PAGE:
            raise self._strange(f"has {_PAGE} files or more; name a folder of it")
        return tree

    def _asked(self, what: str) -> Any:
        url = f"{self._endpoint}/api/models/{self._repository}/{what}"
        try:
            return json.loads(self._web().document(url, token=self._token))
        except ValueError as error:
            raise self._strange("is not described in the form of the Hub (JSON)") from error

    def _entry(self, name: str, listed: Mapping[str, Any]) -> FileEntry:
        try:
            lfs = listed.get("lfs")
            if lfs:
                return FileEntry(name=name, size=lfs["size"], sha256=lfs["oid"])
            return self._small(name, str(listed["oid"]))
        except (KeyError, ValueError) as error:
            raise self._strange(f"lists a file that cannot be fetched ({error})") from error

    def _small(self, name: str, oid: str) -> FileEntry:
        """A file that is kept in git itself, under git's own digest."""
        content = self._web().document(self._url(name), accept="*/*", token=self._token)
        header = f"blob {len(content)}\0".encode()
        # Not for safety, but to see that this is the file of that revision.
        found = hashlib.sha1(header + content, usedforsecurity=False).hexdigest()
        if found != oid:
            raise ModelError(
                ExitCode.MODEL_CORRUPT,
                f"{self._repository} gives {name} with git's digest {found}, not {oid}.",
                "Try again; if HF_ENDPOINT names a mirror, check the mirror.",
            )
        return FileEntry(name=name, size=len(content), sha256=hashlib.sha256(content).hexdigest())

    def _url(self, name: str) -> str:
        path = quote(f"{self._folder}{name}")
        return f"{self._endpoint}/{self._repository}/resolve/{self._revision}/{path}"

    def _strange(self, what: str) -> ModelError:
        return ModelError(
            ExitCode.MODEL_UNAVAILABLE,
            f"The model repository {self._repository} at {self._revision} {what}.",
            "Check the address, the revision, and HF_ENDPOINT if you set it.",
        )
