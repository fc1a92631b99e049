"""The backends that a TTSService can name, and what each one means for a pod.

Adding a backend to the control plane is adding an entry to :data:`BACKENDS`; its name must be the
runtime's entry point in the group ``speaker_tts.backends``.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

from speaker_operator.api.v1alpha1.cel import Rule


@dataclass(frozen=True)
class Backend:
    """What the control plane knows of one speech engine."""

    name: str
    engine: str
    """Which runtime image speaks it; fills ``{engine}`` of the runtime image setting."""
    model_source: str
    """Where its model comes from unless ``spec.model.source`` says otherwise."""
    accept_license: str | None
    """That model's licence, where it has to be accepted by name."""
    presets: tuple[str, ...]
    """Speakers that are built into the default model."""
    mixes_presets: bool
    """Whether it speaks mixes of them."""
    clones: bool
    """Whether the runtime's own image makes voices of reference audio with it."""
    uses_gpus: bool
    """Whether the runtime's own image speaks it on GPUs."""
    requests: MappingProxyType[str, str]
    limits: MappingProxyType[str, str]
    cache_size: str
    """How large a model cache is unless ``spec.cache.size`` says otherwise."""
    converts: bool = False
    """Whether its runtime makes files of its own of a model's published ones while it fetches them
    (an entry point in the group ``speaker_tts.recipes``): caches of it are not for other backends.
    """
    runs: Literal["model", "gateway", "custom"] = "model"
    """What its pods do: speak with a model, hand requests on, or whatever the user's image does."""


_HIBARI: Final = Backend(
    name="hibari",
    engine="cpu",
    model_source="package://hibari-tts",
    accept_license=None,
    presets=("heart",),
    mixes_presets=False,
    clones=False,
    uses_gpus=False,
    requests=MappingProxyType({"cpu": "250m", "memory": "512Mi"}),
    limits=MappingProxyType({"memory": "1Gi"}),
    cache_size="1Gi",
)

_KOKORO: Final = Backend(
    name="kokoro",
    engine="cpu",
    model_source="catalogue://kokoro-82m-int8",
    accept_license=None,
    presets=(
        *("af_heart", "af_alloy", "af_aoede", "af_bella", "af_jessica", "af_kore", "af_nicole"),
        *("af_nova", "af_river", "af_sarah", "af_sky", "am_adam", "am_echo", "am_eric"),
        *("am_fenrir", "am_liam", "am_michael", "am_onyx", "am_puck", "am_santa", "bf_alice"),
        *("bf_emma", "bf_isabella", "bf_lily", "bm_daniel", "bm_fable", "bm_george", "bm_lewis"),
    ),
    mixes_presets=True,
    clones=False,
    uses_gpus=False,
    requests=MappingProxyType({"cpu": "1", "memory": "1Gi"}),
    limits=MappingProxyType({"memory": "2Gi"}),
    cache_size="1Gi",
)

_XTTS: Final = Backend(
    name="xtts",
    engine="xtts",
    # Its publisher tags no revisions. What was fetched of one stays as it was.
    model_source="hf://tts-hub/XTTS-v2@main",
    accept_license="CPML",
    presets=(
        *("Claribel Dervla", "Daisy Studious", "Gracie Wise", "Tammie Ema", "Alison Dietlinde"),
        *("Ana Florence", "Annmarie Nele", "Asya Anara", "Brenda Stern", "Gitta Nikolina"),
        *("Henriette Usha", "Sofia Hellen", "Tammy Grit", "Tanja Adelina", "Vjollca Johnnie"),
        *("Andrew Chipper", "Badr Odhiambo", "Dionisio Schuyler", "Royston Min", "Viktor Eka"),
        *("Abrahan Mack", "Adde Michal", "Baldur Sanjin", "Craig Gutsy", "Damien Black"),
        *("Gilberto Mathias", "Ilkin Urbano", "Kazuhiko Atallah", "Ludvig Milivoj", "Suad Qasim"),
        *("Torcull Diarmuid", "Viktor Menelaos", "Zacharie Aimilios", "Nova Hogarth"),
        *("Maja Ruoho", "Uta Obando", "Lidiya Szekeres", "Chandra MacFarland", "Szofi Granger"),
        *("Camilla Holmström", "Lilya Stainthorpe", "Zofija Kendrick", "Narelle Moon"),
        *("Barbora MacLean", "Alexandra Hisakawa", "Alma María", "Rosemary Okafor"),
        *("Ige Behringer", "Filip Traverse", "Damjan Chapman", "Wulf Carlevaro"),
        *("Aaron Dreschner", "Kumar Dahl", "Eugenio Matarac\u0131", "Ferran Simen"),
        *("Xavier Hayasaka", "Luis Moray", "Marcos Rudaski"),
    ),
    mixes_presets=False,
    clones=True,
    uses_gpus=True,
    requests=MappingProxyType({"cpu": "2", "memory": "6Gi"}),
    limits=MappingProxyType({"memory": "10Gi"}),
    # Twice the model's 1.9 GB while it is fetched and converted, and room for the next revision.
    cache_size="10Gi",
    converts=True,
)


_GATEWAY: Final = Backend(
    name="gateway",
    engine="cpu",
    model_source="",
    accept_license=None,
    presets=(),
    mixes_presets=False,
    clones=False,
    uses_gpus=False,
    requests=MappingProxyType({"cpu": "100m", "memory": "192Mi"}),
    limits=MappingProxyType({"memory": "512Mi"}),
    cache_size="1Gi",
    runs="gateway",
)

_CUSTOM: Final = Backend(
    name="custom",
    engine="cpu",
    model_source="",
    accept_license=None,
    presets=(),
    mixes_presets=False,
    clones=False,
    uses_gpus=True,
    requests=MappingProxyType({"cpu": "1", "memory": "2Gi"}),
    limits=MappingProxyType({}),
    cache_size="10Gi",
    runs="custom",
)


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
    "!has(self.model.credentialsSecret)))"
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


BACKENDS: Final = MappingProxyType(
    {backend.name: backend for backend in (_HIBARI, _KOKORO, _XTTS, _GATEWAY, _CUSTOM)}
)
