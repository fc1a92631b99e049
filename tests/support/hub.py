"""A model repository on a server that speaks as the Hugging Face Hub does."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from tests.support.webserver import Site


def publish(
    site: Site,
    repository: str,
    revision: str,
    files: Mapping[str, bytes],
    *,
    large: tuple[str, ...] = (),
    card: Mapping[str, Any] | None = None,
) -> str:
    """Publish files at the site, which ``HF_ENDPOINT`` has to name; gives where they lie there.

    Args:
        site: The server.
        repository: ``OWNER/NAME``.
        revision: What the address names.
        files: By their paths.
        large: How the names of those end that are told with their sha256; others lie in git.
        card: What the model's card says in its head.
    """
    api, where = f"/api/models/{repository}", f"/{repository}/resolve/{revision}"
    listed = [_listed(path, content, large) for path, content in files.items()]
    site.files |= {f"{where}/{path}": content for path, content in files.items()}
    site.files[f"{api}/revision/{revision}"] = json.dumps({"cardData": card or {}}).encode()
    site.files[f"{api}/tree/{revision}"] = json.dumps(listed).encode()
    return where


def _listed(path: str, content: bytes, large: tuple[str, ...]) -> dict[str, object]:
    size = len(content)
    if large and path.endswith(large):
        lfs = {"oid": hashlib.sha256(content).hexdigest(), "size": size, "pointerSize": 134}
        return {"type": "file", "path": path, "size": size, "oid": "0" * 40, "lfs": lfs}
    oid = hashlib.sha1(f"blob {size}\0".encode() + content).hexdigest()
    return {"type": "file", "path": path, "size": size, "oid": oid}
