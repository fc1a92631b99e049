"""What was last rendered for each service, as long as nothing that it depends on is another.

Most reconciliations answer to a report of a controller or a pod: what is declared is as it was.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256

import orjson

from speaker_operator.api.v1alpha1 import TTSService, Voice
from speaker_operator.api.v1alpha1.common import Metadata
from speaker_operator.render.caches import ModelCache
from speaker_operator.render.children import render
from speaker_operator.render.deployment import Stage
from speaker_operator.render.gpu import Node
from speaker_operator.render.metadata import Manifest
from speaker_operator.render.references import Sources
from speaker_operator.render.settings import RenderSettings


@dataclass(frozen=True)
class _Cause:
    """Everything that the children of a service were rendered from, beside what never changes."""

    declared: bytes
    """Digest of which versions of what people declare."""
    nodes: tuple[Node, ...] | None
    sources: Sources


@dataclass(frozen=True)
class _Rendering:
    cause: _Cause
    text: bytes
    """The manifests as JSON: as Python's own objects they would take ten times the memory."""


class Renderings:
    """Renders the children of services; the same again where nothing has changed."""

    def __init__(self) -> None:
        self._last: dict[tuple[str, str], _Rendering] = {}

    def children(
        self,
        service: TTSService,
        voices: Sequence[Voice],
        settings: RenderSettings,
        cache: ModelCache | None,
        stage: Stage,
    ) -> list[Manifest]:
        """What :func:`~speaker_operator.render.children.render` makes of the same."""
        owner = (service.metadata.namespace, service.metadata.name)
        cause = _cause(service, voices, settings, cache, stage)
        known = self._last.get(owner)
        if known is not None and known.cause == cause:
            manifests: list[Manifest] = orjson.loads(known.text)
            return manifests
        manifests = render(service, voices, settings, cache, stage)
        self._last[owner] = _Rendering(cause, orjson.dumps(manifests))
        return manifests

    def forget(self, owner: tuple[str, str]) -> None:
        """Forget a service that is gone."""
        self._last.pop(owner, None)

    def forget_all(self) -> None:
        """Forget everything: another replica goes on."""
        self._last.clear()


def _cause(
    service: TTSService,
    voices: Iterable[Voice],
    settings: RenderSettings,
    cache: ModelCache | None,
    stage: Stage,
) -> _Cause:
    users = () if cache is None else cache.users
    declared = (service, *voices, None, *settings.services, None, *users)
    versions = [None if each is None else _version(each.metadata) for each in declared]
    content = None if cache is None else cache.content
    digest = sha256(orjson.dumps((stage, content, versions))).digest()
    return _Cause(digest, settings.nodes, settings.sources)


def _version(metadata: Metadata) -> tuple[object, ...]:
    """What tells a declared object from others, and from other versions of it.

    Its generation is that of its spec; a status is not rendered, and has none.
    """
    return (
        metadata.uid,
        metadata.generation,
        metadata.deletion_timestamp,
        metadata.labels,
        metadata.annotations,
    )
