"""The backends that a TTSService can name, and what each one means for a pod.

Adding a backend to the control plane is adding an entry to :data:`BACKENDS`; its name must be the
runtime's entry point in the group ``speaker_tts.backends``.
"""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal


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
    has_precisions: bool = False
    """Whether the runtime's own image lets people choose what its model computes with."""
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
    has_precisions=True,
)

_GLM_TTS: Final = Backend(
    name="glm-tts",
    engine="glm-tts",
    # Its publisher tags no revisions. What was fetched of one stays as it was.
    model_source="hf://zai-org/GLM-TTS@main",
    accept_license=None,
    presets=(),
    mixes_presets=False,
    clones=True,
    uses_gpus=True,
    # On CPUs: 9 GB of weights in float32, and up to 3 GB of keys and values of eight streams.
    requests=MappingProxyType({"cpu": "4", "memory": "12Gi"}),
    limits=MappingProxyType({"memory": "20Gi"}),
    # Twice the model's 9 GB while it is fetched and converted, and room for the next revision.
    cache_size="30Gi",
    converts=True,
    has_precisions=True,
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


BACKENDS: Final = MappingProxyType(
    {backend.name: backend for backend in (_HIBARI, _KOKORO, _XTTS, _GLM_TTS, _GATEWAY, _CUSTOM)}
)
