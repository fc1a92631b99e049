"""``s3://BUCKET/PREFIX``: a model's directory in an S3 bucket.

The address, the credentials and the region are those of the environment, as other S3 tools read it:
``AWS_ENDPOINT_URL``, ``AWS_ACCESS_KEY_ID``, ``AWS_SECRET_ACCESS_KEY``, ``AWS_SESSION_TOKEN``,
``AWS_REGION``; ``AWS_SKIP_SIGNATURE=true`` for public buckets.
"""

import os
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from speaker_runtime.contract import ExitCode
from speaker_runtime.models.errors import ModelError
from speaker_runtime.models.manifest import MANIFEST_FILE, FileEntry
from speaker_runtime.models.servers import require_server
from speaker_runtime.models.sources.base import Workspace
from speaker_runtime.models.sources.listing import OfferedDirectory, require_pin, split_pin

if TYPE_CHECKING:
    from obstore.store import S3Config

_ADDRESS: Final = re.compile(
    r"s3://(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/(?P<prefix>[\w.=+-]+(?:/[\w.=+-]+)*))?",
    re.ASCII,
)
_SIGNED_FOR: Final = timedelta(hours=12)
"""How long a signed address is good for: longer than the largest file takes."""
_LOOK_UP: Final = timedelta(seconds=15)
"""Longest wait for credentials that a cloud's own service hands out."""

_ANYBODY: Final["S3Config"] = {"access_key_id": "any", "secret_access_key": "any"}
"""Credentials for an address that is used without its signature."""


class BucketSource(OfferedDirectory):
    """Signs addresses, and downloads what lies there with the patience of any other download."""

    def __init__(self, address: str, workspace: Workspace) -> None:
        location, pin = split_pin(address)
        match = _ADDRESS.fullmatch(location)
        if match is None or ".." in location.split("/"):
            raise ModelError(
                ExitCode.INVALID_CONFIG,
                f"model.source {address!r} names no directory of a bucket.",
                "Write s3://BUCKET/PREFIX, for example s3://models/kokoro.",
            )
        super().__init__(f"{location}/{MANIFEST_FILE}", pin)
        self._endpoint = _endpoint()
        if self._endpoint and self._endpoint.startswith("http://"):
            require_pin(pin, address, f" (AWS_ENDPOINT_URL is {self._endpoint})")
        self._bucket = match["bucket"]
        self._prefix = f"{match['prefix']}/" if match["prefix"] else ""
        self._web = workspace.web

    def read(self, entry: FileEntry, offset: int) -> Iterator[bytes]:
        """Download a file."""
        return self._web().read(self._url(entry.name), offset=offset, size=entry.size)

    def _manifest(self) -> bytes:
        return self._web().document(self._url(MANIFEST_FILE))

    def _url(self, name: str) -> str:
        """A file's address, signed unless the bucket is public."""
        import obstore  # noqa: PLC0415  only who fetches from a bucket loads it
        from obstore.exceptions import BaseError  # noqa: PLC0415
        from obstore.store import S3Store  # noqa: PLC0415

        public = os.environ.get("AWS_SKIP_SIGNATURE", "").lower() == "true"
        config: S3Config = {"endpoint": self._endpoint} if self._endpoint else {}
        try:
            store = S3Store(
                self._bucket,
                config=config | _ANYBODY if public else config,
                client_options={"connect_timeout": _LOOK_UP},
                retry_config={"max_retries": 1, "retry_timeout": _LOOK_UP},
            )
            url: str = obstore.sign(store, "GET", f"{self._prefix}{name}", _SIGNED_FOR)
        except BaseError as error:
            reason = str(error).partition("\n")[0]
            raise ModelError(
                ExitCode.MODEL_UNAVAILABLE,
                f"{self._where} cannot be asked for: {reason}.",
                "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (in a pod, as keys of the Secret "
                "that spec.model.credentialsSecret names), or AWS_SKIP_SIGNATURE=true if the "
                "bucket is public.",
            ) from error
        return url.partition("?")[0] if public else url


def _endpoint() -> str | None:
    """The server that the environment names; None for Amazon's own."""
    for variable in ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"):
        if variable in os.environ:
            return require_server(os.environ[variable], variable)
    return None
