"""From the API server's objects to the models; an object that does not fit is set aside.

The schema keeps such objects out, but a newer operator's schema may have let one in.
"""

import logging
from collections.abc import Iterable

from pydantic import ValidationError

from speaker_operator.api.v1alpha1 import TTSService, Voice
from speaker_operator.api.v1alpha1.backends import BACKENDS
from speaker_operator.api.v1alpha1.common import LabelSelector
from speaker_operator.kube.resources import JsonObject, key_of

logger = logging.getLogger(__name__)


class UnreadableError(ValueError):
    """An object that this version of the operator cannot make sense of."""


def read_service(manifest: JsonObject) -> TTSService:
    """Read a service; raises :class:`UnreadableError`."""
    try:
        service = TTSService.model_validate(manifest)
    except ValidationError as error:
        raise UnreadableError(_faults(error)) from error
    if service.spec.backend not in BACKENDS:
        known = ", ".join(sorted(BACKENDS))
        raise UnreadableError(f"spec.backend: {service.spec.backend!r} is unknown; use {known}")
    return service


def read_voice(manifest: JsonObject) -> Voice:
    """Read a voice; raises :class:`UnreadableError`."""
    try:
        return Voice.model_validate(manifest)
    except ValidationError as error:
        raise UnreadableError(_faults(error)) from error


def readable_voices(manifests: Iterable[JsonObject]) -> list[Voice]:
    """All voices that can be read."""
    voices = []
    for manifest in manifests:
        try:
            voices.append(read_voice(manifest))
        except UnreadableError as error:
            logger.warning(
                "Voice left out: %s", error, extra={"k8s_ref": key_of(manifest)._asdict()}
            )
    return voices


def selector_in(service: JsonObject) -> LabelSelector | None:
    """How a service selects its voices; None if it selects none, ends, or cannot be read."""
    if "deletionTimestamp" in service["metadata"]:
        return None
    try:
        read = read_service(service)
    except UnreadableError:
        return None  # its own reconciliation reports it
    return read.spec.voices.selector if read.backend.runs == "model" else None


def readable_services(manifests: Iterable[JsonObject]) -> list[TTSService]:
    """All services that can be read."""
    services = []
    for manifest in manifests:
        try:
            services.append(read_service(manifest))
        except UnreadableError:
            continue  # its own reconciliation reports it
    return services


def _faults(error: ValidationError) -> str:
    return "; ".join(
        f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors()
    )
