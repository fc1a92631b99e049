"""What the children of a service depend on beside its own spec: nodes, neighbours, recordings."""

from collections.abc import Iterable
from dataclasses import replace

from speaker_operator.api.v1alpha1 import TTSService, Voice
from speaker_operator.kube.resources import TTS_SERVICE
from speaker_operator.reconcile.nodes import NodeInventory
from speaker_operator.reconcile.parsing import readable_services
from speaker_operator.reconcile.references import References
from speaker_operator.reconcile.store import Store, labels_of
from speaker_operator.render.references import sources_of
from speaker_operator.render.routes import is_selected
from speaker_operator.render.settings import RenderSettings


class Surroundings:
    """Adds to the operator's settings what is around a service.

    Args:
        store: Has the other services.
        settings: Those of the operator.
        nodes: Knows the nodes.
        references: Knows the recordings.
    """

    def __init__(
        self, store: Store, settings: RenderSettings, nodes: NodeInventory, references: References
    ) -> None:
        self._store = store
        self._settings = settings
        self._nodes = nodes
        self._references = references

    async def settings_for(self, service: TTSService, voices: Iterable[Voice]) -> RenderSettings:
        """The settings, with the nodes, services and recordings that the service depends on."""
        name = (service.metadata.namespace, service.metadata.name)
        sources = await self._references.find(name, sources_of(service, voices))
        neighbours = self._neighbours(service)
        settings = replace(self._settings, services=neighbours, sources=sources)
        return await settings_for(service, settings, self._nodes)

    def _neighbours(self, service: TTSService) -> tuple[TTSService, ...]:
        """The services behind a gateway; the gateways of a service that does not let in all."""
        namespace, spec = service.metadata.namespace, service.gateway
        if spec is not None:
            manifests = self._store.in_namespace(TTS_SERVICE.kind, namespace)
            chosen = [
                each
                for each in manifests
                if is_selected(spec, each["metadata"]["name"], dict(labels_of(each)))
            ]
            return tuple(readable_services(chosen))
        policy = service.spec.network_policy
        if not policy.enabled or policy.allow_from is None:
            return ()
        gateways = (self._store.get(key) for key in self._store.gateways(namespace))
        return tuple(readable_services(each for each in gateways if each is not None))


async def settings_for(
    service: TTSService, settings: RenderSettings, nodes: NodeInventory
) -> RenderSettings:
    """The settings, with the nodes if the service depends on them."""
    if service.spec.gpu is None or not service.spec.gpu.fallback_to_cpu:
        return settings
    return replace(settings, nodes=await nodes.current())
