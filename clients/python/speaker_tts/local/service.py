"""Turn YAML into what a local runtime needs; the models and rules are the operator's own.

Imports of the operator's and the runtime's packages are inside functions, because the base install
(the client) does without them.
"""

import importlib.util
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from speaker_tts.errors import InvalidManifest, MissingExtra

if TYPE_CHECKING:
    from speaker_operator.api.v1alpha1 import TTSService, Voice
    from speaker_runtime.contract import RuntimeConfig, VoiceManifest

CLUSTER_FIELDS: Final = (
    "autoscaling",
    "cache",
    "expose",
    "image",
    "model.credentialsSecret",
    "placement",
    "replicas",
    "resources",
)
"""Fields of a TTSService's spec that have no meaning on one machine: a fetch there has the shell's
environment, and no Secrets."""


@dataclass(frozen=True)
class LocalService:
    """One service as this machine will serve it.

    Attributes:
        config: What to serve and how.
        voices: Who speaks.
        unused: Fields that the YAML sets and that only mean something on a cluster.
        problems: What cannot be served as declared; the rest is.
    """

    config: "RuntimeConfig"
    voices: "VoiceManifest"
    unused: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


def require_runtime(purpose: str) -> None:
    """Raise :class:`MissingExtra` where this install cannot serve."""
    if importlib.util.find_spec("fastapi") is None:
        raise MissingExtra(f"{purpose} needs the runtime: pip install 'speaker-tts[runtime]'.")


def load_documents(path: Path) -> list[dict[str, Any]]:
    """Read all YAML documents of a file.

    Raises:
        InvalidManifest: The file cannot be read, or is not YAML made of objects.
    """
    import yaml  # noqa: PLC0415

    try:
        documents = [d for d in yaml.safe_load_all(path.read_text(encoding="utf-8")) if d]
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidManifest(f"{path}: cannot be read ({error}). Name a YAML file.") from error
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


def resolve(documents: Sequence[dict[str, Any]], name: str | None = None) -> LocalService:
    """Validate documents as admission would, and render what the runtime reads.

    Args:
        documents: TTSServices and Voices as they stand in YAML.
        name: Which TTSService to serve, if there are several.

    Raises:
        InvalidManifest: A document is refused, or it is not clear which service is meant.
    """
    from speaker_operator.api.v1alpha1 import TTSService, Voice  # noqa: PLC0415
    from speaker_operator.render.runtime_config import (  # noqa: PLC0415
        runtime_config,
        voice_manifest,
    )

    admitted = [_admit(document) for document in documents]
    voices = [a for a in admitted if isinstance(a, Voice)]
    service = _choose([a for a in admitted if isinstance(a, TTSService)], name)
    if service.backend.runs != "model":
        raise InvalidManifest(
            f"TTSService {service.metadata.name!r} is of backend {service.spec.backend}, which "
            "only runs on a cluster: choose another service of the YAML by --service, or apply it "
            "with kubectl."
        )
    spec = next(d["spec"] for d, a in zip(documents, admitted, strict=True) if a is service)
    return LocalService(
        config=runtime_config(
            service,
            models=_caches() / "models",
            audio_cache=_caches() / "audio" / service.metadata.name,
        ),
        voices=voice_manifest(service, voices),
        unused=tuple(_unused(service, spec)),
        problems=_problems(service, voices),
    )


def _is_set(spec: dict[str, Any], field: str) -> bool:
    value: Any = spec
    for step in field.split("."):
        if not isinstance(value, dict) or step not in value:
            return False
        value = value[step]
    return True


def _caches() -> Path:
    home = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(home).expanduser() / "speaker-tts"


def _admit(document: dict[str, Any]) -> "TTSService | Voice":
    from speaker_operator.api.admission import RefusedError, admit  # noqa: PLC0415

    try:
        return admit(document)
    except RefusedError as error:
        raise InvalidManifest(str(error)) from error


def _choose(services: Sequence["TTSService"], name: str | None) -> "TTSService":
    names = ", ".join(s.metadata.name for s in services)
    if not services:
        raise InvalidManifest("There is no TTSService in this YAML, so there is nothing to serve.")
    if name is None and len(services) > 1:
        raise InvalidManifest(
            f"This YAML has several TTSServices: choose one by --service: {names}."
        )
    chosen = [s for s in services if name in {None, s.metadata.name}]
    if not chosen:
        raise InvalidManifest(f"There is no TTSService named {name!r} in this YAML, only {names}.")
    return chosen[0]


def _unused(service: "TTSService", spec: dict[str, Any]) -> Iterator[str]:
    from speaker_runtime.contract import SHARED_CACHE_VARIABLE  # noqa: PLC0415

    for field in CLUSTER_FIELDS:
        if _is_set(spec, field):
            yield f"spec.{field}"
    # A Secret is out of reach here, so its value is the environment's to give.
    if service.spec.serving.audio_cache.redis and not os.environ.get(SHARED_CACHE_VARIABLE):
        yield f"spec.serving.audioCache.redis (unless {SHARED_CACHE_VARIABLE} holds its address)"


def _problems(service: "TTSService", voices: Sequence["Voice"]) -> tuple[str, ...]:
    from speaker_operator.render.voices import assign, default_problem  # noqa: PLC0415

    assignments = assign(service, voices)
    found = [a.problem for a in assignments] + [default_problem(service, assignments)]
    return tuple(problem.message for problem in found if problem is not None)
