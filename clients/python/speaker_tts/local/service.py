"""Turn YAML into what a local runtime needs; the models and rules are the operator's own.

Imports of the operator's and the runtime's packages are inside functions, because the base install
(the client) does without them.
"""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from speaker_tts.errors import InvalidManifest, MissingExtra

if TYPE_CHECKING:
    from speaker_runtime.contract import RuntimeConfig, VoiceManifest

NAMESPACE = "local"


@dataclass(frozen=True)
class LocalService:
    """One service as this machine will serve it.

    Attributes:
        unused: Fields of the spec that only mean something on a cluster.
    """

    config: "RuntimeConfig"
    voices: "VoiceManifest"
    unused: tuple[str, ...] = ()


def model_directory(source: str) -> Path:
    """Give the place of a model's files in this user's cache; one directory per source."""
    home = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    digest = hashlib.sha256(source.encode()).hexdigest()[:12]
    return Path(home).expanduser() / "speaker-tts" / "models" / digest


def load_documents(path: Path) -> list[dict[str, Any]]:
    """Read all YAML documents of a file.

    Raises:
        InvalidManifest: The file cannot be read, or is not YAML made of objects.
    """
    import yaml  # noqa: PLC0415

    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidManifest(f"{path}: cannot be read ({error}). Name a YAML file.") from error
    try:
        documents = [d for d in yaml.safe_load_all(text) if d is not None]
    except yaml.YAMLError as error:
        raise InvalidManifest(f"{path}: this is not YAML: {error}") from error
    if not all(isinstance(d, dict) for d in documents):
        raise InvalidManifest(f"{path}: every document must be an object with apiVersion and kind.")
    return documents


def default_service() -> LocalService:
    """Give the service of someone who has no YAML yet: the embedded voice, all defaults."""
    return resolve(
        [
            {
                "apiVersion": "speaker-tts.dev/v1alpha1",
                "kind": "TTSService",
                "metadata": {"name": "local"},
                "spec": {"backend": "hibari"},
            }
        ]
    )
