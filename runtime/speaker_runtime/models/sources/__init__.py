"""Where models come from: one module per address scheme, found by :func:`resolve`."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import BinaryIO, Final, Protocol

from speaker_runtime.contract import ExitCode
from speaker_runtime.models.errors import ModelError
from speaker_runtime.models.manifest import FileEntry
from speaker_runtime.models.sources.package import PackageSource


class Source(Protocol):
    """One kind of place that models are read from."""

    def list(self, location: str) -> Sequence[FileEntry]:
        """Name the files of the model at ``location``, the address after ``scheme://``.

        Raises:
            ModelError: There is no such model, or it is out of reach.
        """

    def open(self, location: str, entry: FileEntry) -> BinaryIO:
        """Open one of the files that :meth:`list` named, for reading.

        Raises:
            ModelError: It cannot be read any more.
        """


SOURCES: Final[Mapping[str, Source]] = MappingProxyType({"package": PackageSource()})
"""Schemes that ``model.source`` may have."""


def resolve(address: str) -> tuple[Source, str]:
    """Split an address such as ``package://hibari-tts`` into its source and location.

    Raises:
        ModelError: The address has no scheme, or one that nobody knows.
    """
    scheme, separator, location = address.partition("://")
    source = SOURCES.get(scheme)
    if not separator or not location or source is None:
        known = ", ".join(f"{name}://" for name in sorted(SOURCES))
        raise ModelError(
            ExitCode.INVALID_CONFIG,
            f"model.source {address!r} is not an address that can be fetched.",
            f"Write one that begins with {known}, for example package://hibari-tts.",
        )
    return source, location
