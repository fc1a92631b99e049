"""What the tests of rendering render."""

from collections.abc import Iterable, Iterator
from typing import Any

from hypothesis import strategies as st

from speaker_operator.api.v1alpha1 import TTSService, Voice
from speaker_operator.render.caches import model_cache
from speaker_operator.render.children import render
from speaker_operator.render.claim import shared_claim
from speaker_operator.render.fetchjob import fetch_job
from speaker_operator.render.metadata import Manifest
from speaker_operator.render.settings import RenderSettings
from tests.unit.speaker_operator.factories import SETTINGS, service

ON_GPU = {"gpu": {"fallbackToCPU": True}, "image": "registry.example.com/own:cuda"}


def children(
    of: TTSService, *voices: Voice, settings: RenderSettings = SETTINGS
) -> dict[str, Manifest]:
    return {manifest["kind"]: manifest for manifest in render(of, voices, settings)}


def pod(of: TTSService, settings: RenderSettings = SETTINGS) -> dict[str, Any]:
    spec: dict[str, Any] = children(of, settings=settings)["Deployment"]["spec"]["template"]["spec"]
    return spec


def everything(
    of: TTSService, voices: Iterable[Voice] = (), settings: RenderSettings = SETTINGS
) -> Iterator[Manifest]:
    """The service's children, after what fills its cache."""
    cache = model_cache([of], SETTINGS.images)
    if cache is not None:
        claim = shared_claim(cache, None)
        yield from () if claim is None else (claim,)
        yield fetch_job(cache, settings, claim_uid="uid-of-claim", secret="")
    yield from render(of, voices, settings, cache)


def _names() -> st.SearchStrategy[str]:
    return st.from_regex(r"[a-z]([-a-z0-9]{0,20}[a-z0-9])?", fullmatch=True)


@st.composite
def services(draw: st.DrawFn) -> TTSService:
    """Services of every shape that admission lets pass."""
    cache = st.fixed_dictionaries(
        {},
        optional={
            "size": st.sampled_from(["1Gi", 5, "100M"]),
            "accessMode": st.sampled_from(["ReadWriteOnce", "ReadWriteMany"]),
            "retain": st.booleans(),
            "storageClassName": _names(),
        },
    )
    autoscaling = st.fixed_dictionaries(
        {"maxReplicas": st.integers(1, 100)},
        optional={"scaleDownDelay": st.sampled_from(["0s", "1h", "1m30s"])},
    )
    spec = draw(
        st.fixed_dictionaries(
            {},
            optional={
                "backend": st.sampled_from(["hibari", "kokoro"]),
                "cache": cache | st.fixed_dictionaries({"existingClaim": _names()}),
                "resources": st.sampled_from([{}, {"limits": {"memory": "64Mi"}}]),
                "placement": st.sampled_from([{}, {"nodeSelector": {"a": "b"}}]),
                "serving": st.fixed_dictionaries({"drainSeconds": st.integers(0, 3600)}),
                "expose": st.fixed_dictionaries({"port": st.integers(1, 65535)}),
                "image": st.just("registry.example.com/own@sha256:00"),
            },
        )
    )
    scaling = draw(
        st.one_of(
            st.just({}),
            st.integers(0, 100).map(lambda replicas: {"replicas": replicas}),
            autoscaling.map(lambda bounds: {"autoscaling": bounds}),
        )
    )
    return service(draw(_names()), **spec, **scaling)
