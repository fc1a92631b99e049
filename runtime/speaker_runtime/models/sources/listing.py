"""A model's directory as others offer it: its manifest beside its files.

Any directory that ``speaker-runtime model fetch`` filled can be offered, by a web server, in a
bucket or on a volume. The address may end in ``@sha256:…``, the manifest's digest, which pins every
byte.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import ClassVar, Final

from pydantic import ValidationError

from speaker_runtime.contract import ExitCode
from speaker_runtime.models import manifest as manifests
from speaker_runtime.models.errors import ModelError
from speaker_runtime.models.manifest import MANIFEST_FILE, FileEntry, ModelManifest

_PIN: Final = re.compile(r"(.+?)/*(?:@(sha256:[0-9a-f]{64}))?")


class OfferedDirectory(ABC):
    """What the sources of such directories share: each one says how its files are read.

    Args:
        where: The manifest's place, for messages.
        pin: Digest that the manifest has to have.
    """

    local: ClassVar[bool] = False
    scratch: int = 0

    def __init__(self, where: str, pin: str | None) -> None:
        self._where = where
        self._pin = pin

    def license(self) -> str | None:
        """The licence that the manifest tells of."""
        return self._listing.accept_license

    def list(self) -> Sequence[FileEntry]:
        """Name the files of the manifest."""
        return self._listing.files

    @abstractmethod
    def read(self, entry: FileEntry, offset: int) -> Iterator[bytes]:
        """Read a file of the directory."""

    @abstractmethod
    def _manifest(self) -> bytes:
        """The manifest's content.

        Raises:
            ModelError: It is not there, or out of reach.
        """

    @cached_property
    def _listing(self) -> ModelManifest:
        return _read_listing(self._manifest(), self._where, self._pin)


def split_pin(address: str) -> tuple[str, str | None]:
    """The address of the directory, and the digest that its manifest has to have.

    Raises:
        ModelError: What follows the ``@`` is no digest.
    """
    match = _PIN.fullmatch(address)
    if match is None or "@sha256" in match[1]:
        raise ModelError(
            ExitCode.INVALID_CONFIG,
            f"model.source {address!r} does not end in a digest.",
            "Write @sha256: and 64 hexadecimal digits after the directory, or nothing.",
        )
    return match[1], match[2]


def require_pin(pin: str | None, address: str, reason: str) -> None:
    """Refuse what is read without encryption, unless its bytes are pinned.

    Raises:
        ModelError: They are not.
    """
    if pin is None:
        raise ModelError(
            ExitCode.INVALID_CONFIG,
            f"model.source {address!r} is read without encryption{reason}, so anybody on the way "
            "could change the model.",
            "Use https://, or add @sha256: and the digest that `model fetch` printed.",
        )


def _read_listing(content: bytes, where: str, pin: str | None) -> ModelManifest:
    try:
        manifest = ModelManifest.model_validate_json(content)
    except ValidationError as error:
        first = error.errors()[0]
        raise ModelError(
            ExitCode.MODEL_CORRUPT,
            f"{where} is no model's manifest: {'.'.join(map(str, first['loc']))} {first['msg']}.",
            f"Offer a directory that `speaker-runtime model fetch` filled, {MANIFEST_FILE} "
            "included.",
        ) from error
    digest = manifests.build("", manifest.files).digest
    if pin is not None and digest != pin:
        raise ModelError(
            ExitCode.MODEL_CORRUPT,
            f"{where} has the digest {digest}, not {pin} as model.source says.",
            "It was changed since it was pinned: check why, and correct the digest.",
        )
    return manifest
