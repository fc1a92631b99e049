"""All children of a service, in the order in which they are best applied."""

from collections.abc import Iterable

from speaker_operator.api.v1alpha1 import TTSService, Voice
from speaker_operator.render.autoscaler import autoscaler
from speaker_operator.render.budget import disruption_budget
from speaker_operator.render.claim import cache_claim, own_cache
from speaker_operator.render.configmap import config_map, content_hash
from speaker_operator.render.deployment import deployment
from speaker_operator.render.expose import http_route, ingress
from speaker_operator.render.metadata import Manifest
from speaker_operator.render.networkpolicy import network_policy
from speaker_operator.render.scaledobject import scaled_object
from speaker_operator.render.service import kubernetes_service
from speaker_operator.render.settings import RenderSettings


def render(
    service: TTSService, voices: Iterable[Voice], settings: RenderSettings
) -> list[Manifest]:
    """Render every child of the service: what a pod needs comes before the pods."""
    manifests: list[Manifest] = []
    config_hash = ""
    if service.is_configured:
        config = config_map(service, voices, settings)
        config_hash = content_hash(config)
        manifests.append(config)
    cache = own_cache(service)
    if cache is not None:
        manifests.append(cache_claim(service, cache))
    manifests.append(kubernetes_service(service))
    expose = service.spec.expose
    if expose.ingress is not None:
        manifests.append(ingress(service, expose.ingress))
    if expose.http_route is not None:
        manifests.append(http_route(service, expose.http_route))
    if service.spec.network_policy.enabled:  # before there is anything to talk to
        manifests.append(network_policy(service, settings))
    manifests.append(deployment(service, settings, config_hash))
    if service.spec.disruption_budget.enabled and service.least_replicas > 1:
        manifests.append(disruption_budget(service))
    if service.autoscaling is not None:
        scale = scaled_object if service.autoscaling.engine == "keda" else autoscaler
        manifests.append(scale(service, service.autoscaling))
    return manifests
