"""The backends that a TTSService can name, and what each one means for a pod.

Adding a backend to the control plane is adding an entry to :data:`BACKENDS`; its name must be the
runtime's entry point in the group ``speaker_tts.backends``.
"""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True)
class Backend:
    """What the control plane knows of one speech engine."""

    name: str
    engine: str
    """Which runtime image speaks it; fills ``{engine}`` of the runtime image setting."""
    model_source: str
    """Where its model comes from unless ``spec.model.source`` says otherwise."""
    presets: tuple[str, ...]
    """Speakers that are built into the default model."""
    requests: MappingProxyType[str, str]
    limits: MappingProxyType[str, str]
    cache_size: str
    """How large a model cache is unless ``spec.cache.size`` says otherwise."""


_HIBARI: Final = Backend(
    name="hibari",
    engine="cpu",
    model_source="package://hibari-tts",
    presets=("heart",),
    requests=MappingProxyType({"cpu": "250m", "memory": "512Mi"}),
    limits=MappingProxyType({"memory": "1Gi"}),
    cache_size="1Gi",
)

_KOKORO: Final = Backend(
    name="kokoro",
    engine="cpu",
    model_source="catalogue://kokoro-82m-int8",
    presets=(
        *("af_heart", "af_alloy", "af_aoede", "af_bella", "af_jessica", "af_kore", "af_nicole"),
        *("af_nova", "af_river", "af_sarah", "af_sky", "am_adam", "am_echo", "am_eric"),
        *("am_fenrir", "am_liam", "am_michael", "am_onyx", "am_puck", "am_santa", "bf_alice"),
        *("bf_emma", "bf_isabella", "bf_lily", "bm_daniel", "bm_fable", "bm_george", "bm_lewis"),
    ),
    requests=MappingProxyType({"cpu": "1", "memory": "1Gi"}),
    limits=MappingProxyType({"memory": "2Gi"}),
    cache_size="1Gi",
)

BACKENDS: Final = MappingProxyType({backend.name: backend for backend in (_HIBARI, _KOKORO)})
