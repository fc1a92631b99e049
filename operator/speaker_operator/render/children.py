"""All children of a service, in the order in which they are best applied."""

from collections.abc import Iterable

from speaker_operator.api.v1alpha1 import TTSService, Voice
from speaker_operator.render.autoscaler import autoscaler
from speaker_operator.render.budget import disruption_budget
from speaker_operator.render.caches import ModelCache
from speaker_operator.render.claim import private_claim
from speaker_operator.render.configmap import config_map, content_hash
from speaker_operator.render.deployment import Stage, deployment
from speaker_operator.render.expose import http_route, ingress
from speaker_operator.render.metadata import Manifest
from speaker_operator.render.networkpolicy import network_policy
from speaker_operator.render.scaledobject import scaled_object
from speaker_operator.render.service import kubernetes_service
from speaker_operator.render.settings import RenderSettings


def render(
    service: TTSService,
    voices: Iterable[Voice],
    settings: RenderSettings,
    cache: ModelCache | None = None,
    stage: Stage = "released",
) -> list[Manifest]:
    """Render every child of the service: what a pod needs comes before the pods.

    Args:
        service: What is declared.
        voices: All of the namespace.
        settings: What is the same for all services.
        cache: The cache that a Job fills for it; its pods fetch the model themselves if None.
        stage: Whether the model is there, so that pods can make use of it.
    """
    manifests: list[Manifest] = []
    config_hash = ""
    if service.is_configured:
        config = config_map(service, voices, settings)
        config_hash = content_hash(config)
        manifests.append(config)
    claim = private_claim(service)
    if claim is not None:
        manifests.append(claim)
    manifests.append(kubernetes_service(service))
    expose = service.spec.expose
    if expose.ingress is not None:
        manifests.append(ingress(service, expose.ingress))
    if expose.http_route is not None:
        manifests.append(http_route(service, expose.http_route))
    if service.spec.network_policy.enabled:  # before there is anything to talk to
        manifests.append(network_policy(service, settings))
    manifests.append(deployment(service, settings, config_hash, cache, stage))
    if service.spec.disruption_budget.enabled and service.least_replicas > 1:
        manifests.append(disruption_budget(service))
    if service.autoscaling is not None:
        if service.autoscaling.engine == "hpa":  # which leaves a Deployment of no pods alone
            manifests.append(autoscaler(service, service.autoscaling))
        elif stage == "released":
            manifests.append(scaled_object(service, service.autoscaling))
    return manifests
