"""What was rendered is rendered again where it would come out otherwise, and only there."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import pytest

from speaker_operator.api.v1alpha1 import TTSService, Voice
from speaker_operator.reconcile import renderings
from speaker_operator.reconcile.renderings import Renderings
from speaker_operator.render.caches import ModelCache, model_cache
from speaker_operator.render.children import render
from speaker_operator.render.deployment import Stage
from speaker_operator.render.gpu import Node
from speaker_operator.render.metadata import Manifest
from speaker_operator.render.references import Source
from speaker_operator.render.settings import RenderSettings
from tests.unit.speaker_operator.factories import SETTINGS, TERMS, service, voice

Declared = TypeVar("Declared", TTSService, Voice)
ALL = {"gpu": {"fallbackToCPU": True}, "image": "registry.example.com/own:cuda"}
RECORDING = {"name": "ana", "key": "ana.wav"}
FOUND = Source("Secret", "speech", "ana", "ana.wav")
LICENSED = {"acceptLicense": "CPML"}
GPU_NODE = Node("gpu-1", {}, {"nvidia.com/gpu": "1"})


@dataclass(frozen=True)
class Given:
    """What a service is rendered from."""

    service: TTSService
    voices: Sequence[Voice] = (voice("ana"),)
    settings: RenderSettings = SETTINGS
    cache: ModelCache | None = None
    stage: Stage = "released"

    def rendered(self) -> list[Manifest]:
        return render(self.service, self.voices, self.settings, self.cache, self.stage)

    def by(self, made: Renderings) -> list[Manifest]:
        return made.children(self.service, self.voices, self.settings, self.cache, self.stage)


def later(declared: Declared) -> Declared:
    """Of a later generation."""
    metadata = declared.metadata
    changed = metadata.model_copy(update={"generation": metadata.generation + 1})
    return declared.model_copy(update={"metadata": changed})


@pytest.fixture(name="count")
def count_renderings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The services that were really rendered."""
    done: list[str] = []

    def counted(
        of: TTSService,
        voices: Sequence[Voice],
        settings: RenderSettings,
        cache: ModelCache | None,
        stage: Stage,
    ) -> list[Manifest]:
        done.append(of.metadata.name)
        return render(of, voices, settings, cache, stage)

    monkeypatch.setattr(renderings, "render", counted)
    return done


PLAIN = Given(service(replicas=1))
CACHED = service("cached", backend="kokoro", cache={"size": "1Gi"})
CLONED = voice("ana", preset=None, reference={"audio": [{"secretKeyRef": RECORDING}]}, **TERMS)
GATEWAY = service("front", backend="gateway", gateway={"services": {}})


def cache_of(*users: TTSService) -> ModelCache | None:
    return model_cache(users, SETTINGS.images)


CHANGES = {
    "spec": (PLAIN, replace(PLAIN, service=later(service(replicas=2)))),
    "voice added": (PLAIN, replace(PLAIN, voices=(voice("ana"), voice("ben")))),
    "voice changed": (PLAIN, replace(PLAIN, voices=(later(voice("ana", description="calm")),))),
    "voice gone": (PLAIN, replace(PLAIN, voices=())),
    "model there": (
        Given(CACHED, (), SETTINGS, cache_of(CACHED), "waiting"),
        Given(CACHED, (), SETTINGS, cache_of(CACHED)),
    ),
    "no cache": (Given(CACHED, (), SETTINGS, cache_of(CACHED)), Given(CACHED, ())),
    "nodes": (
        Given(service(**ALL), settings=replace(SETTINGS, nodes=())),
        Given(service(**ALL), settings=replace(SETTINGS, nodes=(GPU_NODE,))),
    ),
    "recording found": (
        Given(service(backend="xtts", model=LICENSED), (CLONED,)),
        Given(
            service(backend="xtts", model=LICENSED),
            (CLONED,),
            replace(SETTINGS, sources={FOUND: f"sha256:{'a' * 64}"}),
        ),
    ),
    "service behind a gateway": (
        Given(GATEWAY, ()),
        Given(GATEWAY, (), replace(SETTINGS, services=(service("behind"),))),
    ),
}


@pytest.mark.parametrize(("before", "after"), CHANGES.values(), ids=CHANGES)
def test_what_would_come_out_otherwise_is_rendered_again(before: Given, after: Given) -> None:
    assert before.rendered() != after.rendered(), "the case is one"
    made = Renderings()
    assert before.by(made) == before.rendered()
    assert after.by(made) == after.rendered()
    assert before.by(made) == before.rendered()


@pytest.mark.parametrize("given", [before for before, _ in CHANGES.values()], ids=CHANGES)
def test_what_is_as_it_was_is_rendered_once(given: Given, count: list[str]) -> None:
    made = Renderings()
    assert [given.by(made), given.by(made)] == [given.rendered()] * 2
    assert len(count) == 1


def test_what_was_done_to_a_rendering_is_not_remembered() -> None:
    made = Renderings()
    for _ in range(2):
        manifests = PLAIN.by(made)
        assert manifests == PLAIN.rendered()
        manifests[0]["metadata"]["labels"].clear()


def test_a_service_that_is_gone_is_forgotten(count: list[str]) -> None:
    made = Renderings()
    PLAIN.by(made)
    made.forget(("speech", "hello"))
    PLAIN.by(made)
    made.forget_all()
    PLAIN.by(made)
    assert len(count) == 3
