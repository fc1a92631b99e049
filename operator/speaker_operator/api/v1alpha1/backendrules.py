"""What a service's spec may say with which backend: rules that the API server holds it against."""

from collections.abc import Iterable, Iterator
from typing import Final

from speaker_operator.api.v1alpha1.backends import Backend
from speaker_operator.api.v1alpha1.cel import Rule


def license_rules(backends: Iterable[Backend]) -> Iterator[Rule]:
    """Rules over a service's spec that say of each backend's own model what to accept."""
    for backend in (each for each in backends if each.runs == "model"):
        own = f"self.backend != '{backend.name}' || (has(self.model) && has(self.model.source))"
        accepted = "has(self.model) && has(self.model.acceptLicense)"
        if backend.accept_license is None:
            yield Rule(
                f"{own} || !({accepted})",
                f"the own model of backend {backend.name} has no licence that asks to be accepted: "
                "remove model.acceptLicense",
                ".model.acceptLicense",
                "FieldValueForbidden",
            )
        else:
            name = backend.accept_license
            yield Rule(
                f"!has(self.backend) || {own} || ({accepted} && "
                f"self.model.acceptLicense == '{name}')",
                f"the own model of backend {backend.name} is under the licence {name}, which has "
                f"to be accepted: read it, and write model: {{acceptLicense: {name}}} if you do",
                ".model",
            )


def gpu_rules(backends: Iterable[Backend]) -> Iterator[Rule]:
    """Rules over a service's spec that keep GPUs for those who use them."""
    for backend in backends:
        if backend.runs == "model" and not backend.uses_gpus:
            yield Rule(
                f"self.backend != '{backend.name}' || !has(self.gpu) || has(self.image)",
                f"backend {backend.name} speaks on CPUs: remove gpu, or name in image a runtime of "
                f"your own whose {backend.name} uses GPUs",
                ".gpu",
                "FieldValueForbidden",
            )


def clone_rules(backends: Iterable[Backend]) -> Iterator[Rule]:
    """Rules over a service's spec that mount recordings only where voices are made of them."""
    for backend in backends:
        if backend.runs == "model" and not backend.clones:
            yield Rule(
                f"self.backend != '{backend.name}' || has(self.image) || !has(self.voices) || "
                "!has(self.voices.claims) || self.voices.claims.size() == 0",
                f"backend {backend.name} makes no voices of recordings: remove voices.claims, or "
                "name in image a runtime of your own that does",
                ".voices.claims",
                "FieldValueForbidden",
            )


def precision_rules(backends: Iterable[Backend]) -> Iterator[Rule]:
    """Rules over a service's spec that let people choose a precision only where there is one."""
    chosen = "has(self.model) && has(self.model.precision)"
    for backend in backends:
        if backend.runs == "model" and not backend.has_precisions:
            yield Rule(
                f"self.backend != '{backend.name}' || has(self.image) || !({chosen})",
                f"models of backend {backend.name} have one precision: remove model.precision, or "
                "name in image a runtime of your own that leaves a choice",
                ".model.precision",
                "FieldValueForbidden",
            )
    yield Rule(
        f"!({chosen} && self.model.precision == 'int8') || !has(self.gpu)",
        "int8 is for CPUs: remove gpu, or leave model.precision out, which is right for both",
        ".model.precision",
    )
    yield _only(
        "custom",
        f"!({chosen})",
        "your image computes as it likes: remove model.precision",
        ".model.precision",
    )


_NO_VOICES: Final = (
    "(!has(self.voices) || (!has(self.voices.default) && "
    "(!has(self.voices.claims) || self.voices.claims.size() == 0) && "
    "(!has(self.voices.selector) || "
    "((!has(self.voices.selector.matchLabels) || self.voices.selector.matchLabels.size() == 0) && "
    "(!has(self.voices.selector.matchExpressions) || "
    "self.voices.selector.matchExpressions.size() == 0)))))"
)
_NO_MODEL: Final = (
    "(!has(self.model) || (!has(self.model.source) && !has(self.model.acceptLicense) && "
    "!has(self.model.credentialsSecret) && !has(self.model.precision)))"
)
_NO_SPEAKING: Final = (
    "(!has(self.serving) || (!has(self.serving.copies) && "
    "(!has(self.serving.lexicon) || self.serving.lexicon.size() == 0) && "
    "(!has(self.serving.audioCache) || !has(self.serving.audioCache.redis))))"
)
_OWN_QUERY: Final = "(has(self.autoscaling.keda) && has(self.autoscaling.keda.query))"
_NO_QUEUE: Final = (
    "(!has(self.autoscaling) || " + _OWN_QUERY + " || "
    "(!has(self.autoscaling.targetQueuedSeconds) && "
    "(!has(self.autoscaling.keda) || !has(self.autoscaling.keda.serverAddress))))"
)


def _only(backend: str, holds: str, message: str, field: str) -> Rule:
    return Rule(f"self.backend != '{backend}' || {holds}", message, field, "FieldValueForbidden")


def guest_rules() -> Iterator[Rule]:
    """Rules over a service's spec for backends that speak with no model of ours."""
    for backend in ("gateway", "custom"):
        yield Rule(
            f"self.backend == '{backend}' || !has(self.{backend})",
            f"{backend} goes with backend: {backend}: write that, or remove {backend}",
            f".{backend}",
            "FieldValueForbidden",
        )
    yield Rule(
        "!has(self.backend) || self.backend != 'custom' || has(self.image)",
        "image is missing: backend custom runs your own; write for example "
        "image: ghcr.io/remsky/kokoro-fastapi-cpu:v0.2.4",
        ".image",
        "FieldValueRequired",
    )
    yield _only(
        "gateway",
        "!has(self.cache) && " + _NO_MODEL,
        "a gateway has no model of its own: remove model and cache",
        ".model",
    )
    yield _only("gateway", "!has(self.gpu)", "a gateway only hands requests on: remove gpu", ".gpu")
    yield Rule(
        "self.backend != 'custom' || !has(self.cache) || "
        "(has(self.model) && has(self.model.source))",
        "cache keeps the model that model.source names: write model: {source: …}, or remove cache",
        ".cache",
    )
    for backend, whose in (
        ("gateway", "a gateway has the voices of the services behind it"),
        ("custom", "your image has its own voices: name them in custom.voices"),
    ):
        yield _only(backend, _NO_VOICES, f"{whose}; remove voices", ".voices")
        yield _only(
            backend,
            _NO_SPEAKING,
            f"backend {backend} does not speak itself: remove serving.copies, serving.lexicon and "
            "serving.audioCache",
            ".serving",
        )
        yield _only(
            backend,
            _NO_QUEUE,
            f"backend {backend} has no tts_queued_audio_seconds: use targetCPUUtilization, or say "
            "in keda.query what waits",
            ".autoscaling",
        )
