"""Where models come from: one module per address scheme, found by :func:`resolve`."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from speaker_runtime.contract import ExitCode
from speaker_runtime.models.errors import ModelError
from speaker_runtime.models.sources.base import Source, Workspace
from speaker_runtime.models.sources.bucket import BucketSource
from speaker_runtime.models.sources.catalogue import CatalogueSource
from speaker_runtime.models.sources.folder import ClaimSource, FolderSource
from speaker_runtime.models.sources.hub import HubSource
from speaker_runtime.models.sources.package import PackageSource
from speaker_runtime.models.sources.published import PublishedSource
from speaker_runtime.models.sources.website import WebsiteSource

SOURCES: Final[Mapping[str, type[Source]]] = MappingProxyType(
    {
        "package": PackageSource,
        "file": FolderSource,
        "https": WebsiteSource,
        "http": WebsiteSource,
        "s3": BucketSource,
        "pvc": ClaimSource,
        "hf": HubSource,
        "pypi": PublishedSource,
        "npm": PublishedSource,
        "catalogue": CatalogueSource,
    }
)
"""Schemes that ``model.source`` may have."""


def resolve(address: str, workspace: Workspace) -> Source:
    """The source that an address such as ``package://hibari-tts`` names.

    Raises:
        ModelError: The address has no scheme, or one that nobody knows, or is not well formed.
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
    return source(address, workspace)
