"""What a service's children look like."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from speaker_operator.api.admission import RefusedError, admit_yaml
from speaker_operator.api.v1alpha1 import TTSService, Voice
from speaker_operator.kube.resources import CHILDREN, SHARED
from speaker_operator.render.autoscaler import QUEUE_METRIC
from speaker_operator.render.caches import model_cache
from speaker_operator.render.children import render
from speaker_operator.render.claim import shared_claim
from speaker_operator.render.environment import FetchEnvironment
from speaker_operator.render.fetchjob import fetch_job
from speaker_operator.render.labels import CONFIG_HASH, selector_labels
from speaker_operator.render.metadata import Manifest
from speaker_operator.render.settings import RenderSettings
from speaker_runtime.services.metrics import RuntimeMetrics
from tests.unit.speaker_operator.factories import SETTINGS, UID, service, service_manifest, voice

ON_GPU = {"gpu": {"fallbackToCPU": True}, "image": "registry.example.com/own:cuda"}
PROPERTY = hypothesis_settings(max_examples=50, deadline=None)
GOLDEN = Path(__file__).parent / "golden"
EXAMPLES = sorted((Path(__file__).parents[4] / "examples").glob("*.yaml"))


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


def _created(of: TTSService) -> TTSService:
    """The service as it is once the API server has given it a uid."""
    return of.model_copy(update={"metadata": of.metadata.model_copy(update={"uid": UID})})


def rendered(example: Path) -> str:
    """Every child of every service of an example, as YAML."""
    declared = admit_yaml(example.read_text())
    voices = [each for each in declared if isinstance(each, Voice)]
    services = tuple(each for each in declared if isinstance(each, TTSService))
    settings = replace(SETTINGS, services=services)
    manifests = [
        manifest for each in services for manifest in everything(_created(each), voices, settings)
    ]
    return yaml.safe_dump_all(manifests, sort_keys=False, width=100)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_the_examples_render_as_they_always_did(example: Path) -> None:
    """``make golden`` writes the golden files anew."""
    golden = GOLDEN / example.name
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(rendered(example))
    assert rendered(example) == golden.read_text()


def test_every_child_but_a_retained_cache_is_owned_by_the_service() -> None:
    for manifest in render(service(cache={"size": "2Gi"}), (), SETTINGS):
        owners = [each["uid"] for each in manifest["metadata"].get("ownerReferences", ())]
        assert owners == ([] if manifest["kind"] == "PersistentVolumeClaim" else [UID])


def test_a_cache_that_is_not_retained_is_owned() -> None:
    claim = children(service(cache={"retain": False}))["PersistentVolumeClaim"]
    assert claim["metadata"]["ownerReferences"][0]["controller"] is True


def test_without_a_cache_the_model_ends_with_the_pod() -> None:
    assert "PersistentVolumeClaim" not in children(service())
    volumes = {volume["name"]: volume for volume in pod(service())["volumes"]}
    assert volumes["model"] == {"name": "model", "emptyDir": {"sizeLimit": "1Gi"}}


def test_an_existing_claim_is_mounted_and_not_rendered() -> None:
    of = service(cache={"existingClaim": "shared-models"})
    assert "PersistentVolumeClaim" not in children(of)
    assert {"claimName": "shared-models"} in [
        volume.get("persistentVolumeClaim") for volume in pod(of)["volumes"]
    ]


def test_a_fetch_is_given_the_environment_that_the_operator_was_set_up_with() -> None:
    environment = FetchEnvironment(
        values={"PIP_INDEX_URL": "https://index.test/simple", "HTTPS_PROXY": "http://proxy:3128"},
        sources=[{"secretRef": {"name": "registries"}}],
    )
    spec = pod(service(), replace(SETTINGS, fetch=environment))
    (fetch,) = spec["initContainers"]
    assert fetch["env"] == [
        {"name": "HTTPS_PROXY", "value": "http://proxy:3128"},
        {"name": "PIP_INDEX_URL", "value": "https://index.test/simple"},
    ]
    assert fetch["envFrom"] == [{"secretRef": {"name": "registries"}}]
    (runtime,) = spec["containers"]
    assert {"env", "envFrom"}.isdisjoint(runtime)


def test_credentials_are_the_fetchs_alone_and_come_last() -> None:
    settings = replace(
        SETTINGS, fetch=FetchEnvironment(sources=[{"configMapRef": {"name": "all"}}])
    )
    spec = pod(service(model={"credentialsSecret": "hf-token"}), settings)
    (fetch,) = spec["initContainers"]
    assert fetch["envFrom"] == [
        {"configMapRef": {"name": "all"}},
        {"secretRef": {"name": "hf-token"}},
    ]
    assert "envFrom" not in spec["containers"][0]


def test_spoken_audio_is_kept_in_a_volume_with_some_room_to_spare() -> None:
    spec = pod(service(serving={"audioCache": {"size": "100Mi"}}))
    volumes = {volume["name"]: volume for volume in spec["volumes"]}
    assert volumes["audio-cache"]["emptyDir"] == {"sizeLimit": "142Mi"}
    (runtime,) = spec["containers"]
    (fetch,) = spec["initContainers"]
    mount = {"name": "audio-cache", "mountPath": "/var/cache/speaker-tts"}
    assert mount in runtime["volumeMounts"]
    assert mount not in fetch["volumeMounts"]


def test_no_volume_is_made_where_nothing_is_kept() -> None:
    spec = pod(service(serving={"audioCache": {"size": 0}}))
    assert "audio-cache" not in {volume["name"] for volume in spec["volumes"]}


def test_the_shared_caches_address_comes_from_its_secret_alone() -> None:
    redis = {"secretKeyRef": {"name": "cache", "key": "address"}}
    of = service(serving={"audioCache": {"redis": redis}})
    (runtime,) = pod(of)["containers"]
    assert runtime["env"] == [
        {
            "name": "SPEAKER_TTS_SHARED_CACHE_URL",
            "valueFrom": {"secretKeyRef": {"name": "cache", "key": "address"}},
        }
    ]
    assert "redis" not in str(children(of)["ConfigMap"])


@pytest.mark.parametrize(
    ("source", "mounted"),
    [
        ("pvc://models/kokoro", "/claims/models"),
        (f"pvc://models@sha256:{'a' * 64}", "/claims/models"),
        ("https://models.example/kokoro", None),
    ],
)
def test_a_claim_that_a_model_is_copied_from_is_mounted_where_it_is_fetched(
    source: str, mounted: str | None
) -> None:
    spec = pod(service(model={"source": source}))
    mounts = {each["name"]: each for each in spec["initContainers"][0]["volumeMounts"]}
    volumes = {each["name"]: each for each in spec["volumes"]}
    if mounted is None:
        assert "source" not in mounts | volumes
    else:
        assert mounts["source"] == {"name": "source", "mountPath": mounted, "readOnly": True}
        assert volumes["source"]["persistentVolumeClaim"] == {
            "claimName": "models",
            "readOnly": True,
        }
    assert "source" not in {each["name"] for each in spec["containers"][0]["volumeMounts"]}


def test_a_claim_that_is_source_and_cache_can_be_written() -> None:
    of = service(model={"source": "pvc://models/kokoro"}, cache={"existingClaim": "models"})
    volumes = {each["name"]: each for each in pod(of)["volumes"]}
    assert "readOnly" not in volumes["source"]["persistentVolumeClaim"]


@pytest.mark.parametrize(
    ("cache", "together"),
    [
        (None, False),
        ({"size": "1Gi"}, True),
        ({"accessMode": "ReadWriteMany"}, False),
        ({"accessMode": "ReadWriteOncePod"}, False),
        ({"existingClaim": "shared"}, False),
    ],
)
def test_pods_share_a_node_only_for_a_volume_that_one_node_mounts(
    cache: dict[str, Any] | None, together: bool
) -> None:
    assert ("affinity" in pod(service(cache=cache))) is together


def test_an_autoscaler_decides_the_replicas_alone() -> None:
    scaled = children(service(autoscaling={"maxReplicas": 3, "scaleDownDelay": "90s"}))
    assert "replicas" not in scaled["Deployment"]["spec"]
    autoscaler = scaled["HorizontalPodAutoscaler"]["spec"]
    assert (autoscaler["minReplicas"], autoscaler["maxReplicas"]) == (1, 3)
    assert autoscaler["behavior"]["scaleDown"]["stabilizationWindowSeconds"] == 90
    assert autoscaler["scaleTargetRef"]["name"] == scaled["Deployment"]["metadata"]["name"]


CPU_70 = {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 70}}
CPU_50 = {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}}


def queued(seconds: int) -> dict[str, Any]:
    return {
        "metric": {"name": "tts_queued_audio_seconds"},
        "target": {"type": "AverageValue", "averageValue": str(seconds)},
    }


@pytest.mark.parametrize(
    ("spec", "targets", "metrics"),
    [
        ({}, {}, [CPU_70]),
        (ON_GPU, {}, [queued(10)]),
        ({}, {"targetQueuedSeconds": 5}, [queued(5)]),
        (ON_GPU, {"targetCPUUtilization": 50}, [CPU_50]),
        ({}, {"targetQueuedSeconds": 5, "targetCPUUtilization": 50}, [queued(5), CPU_50]),
    ],
)
def test_the_load_is_the_speech_that_waits_for_gpus_and_the_cpu_use_without(
    spec: dict[str, Any], targets: dict[str, Any], metrics: list[dict[str, Any]]
) -> None:
    scaled = children(service(**spec, autoscaling={"maxReplicas": 3, **targets}))
    found = scaled["HorizontalPodAutoscaler"]["spec"]["metrics"]
    assert [each[each["type"].lower()] for each in found] == metrics


def test_the_runtime_has_the_metric_that_autoscalers_are_given() -> None:
    names = {family.name for family in RuntimeMetrics("hello").registry.collect()}
    assert QUEUE_METRIC in names


@pytest.mark.parametrize(
    ("spec", "replicas"), [({}, 1), ({"replicas": 0}, 0), ({"replicas": 4}, 4)]
)
def test_without_an_autoscaler_the_spec_decides_the_replicas(
    spec: dict[str, Any], replicas: int
) -> None:
    of = children(service(**spec))
    assert of["Deployment"]["spec"]["replicas"] == replicas
    assert "HorizontalPodAutoscaler" not in of


def test_pods_are_replaced_when_their_configuration_changes() -> None:
    def config_hash(of: TTSService, *voices: Voice) -> str:
        annotations = children(of, *voices)["Deployment"]["spec"]["template"]["metadata"][
            "annotations"
        ]
        return str(annotations[CONFIG_HASH])

    before = config_hash(service(), voice("ana"))
    assert config_hash(service(), voice("ana")) == before
    assert config_hash(service(), voice("ana", aliases=["nova"])) == before, "pods are told"
    assert config_hash(service()) == before
    assert config_hash(service(serving={"maxQueueSeconds": 5}), voice("ana")) != before
    assert config_hash(service(expose={"port": 81}), voice("ana")) == before


IN_PLACE = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}}
SURGE = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
RECREATE = {"type": "Recreate"}


@pytest.mark.parametrize(
    ("spec", "strategy"),
    [
        ({}, SURGE),
        ({"cache": {"size": "1Gi"}}, SURGE),
        (ON_GPU, IN_PLACE),
        ({"cache": {"accessMode": "ReadWriteOncePod"}}, RECREATE),
        ({"cache": {"accessMode": "ReadWriteOncePod"}, **ON_GPU}, RECREATE),
        ({**ON_GPU, "rollout": {"strategy": "surge"}}, SURGE),
        ({"rollout": {"strategy": "inPlace"}}, IN_PLACE),
        ({"rollout": {"strategy": "recreate"}}, RECREATE),
    ],
)
def test_pods_are_replaced_by_what_room_there_is(
    spec: dict[str, Any], strategy: dict[str, Any]
) -> None:
    assert children(service(**spec))["Deployment"]["spec"]["strategy"] == strategy


def test_the_service_reaches_the_pods() -> None:
    of = children(service(expose={"port": 8000}))
    template = of["Deployment"]["spec"]["template"]
    assert of["Service"]["spec"]["selector"] == selector_labels("hello")
    assert selector_labels("hello").items() <= template["metadata"]["labels"].items()
    (port,) = template["spec"]["containers"][0]["ports"]
    (exposed,) = of["Service"]["spec"]["ports"]
    assert (exposed["port"], exposed["targetPort"]) == (8000, port["name"])


def test_a_pod_has_time_to_drain_before_it_is_killed() -> None:
    spec = pod(service(serving={"drainSeconds": 100}))
    stop = spec["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert spec["terminationGracePeriodSeconds"] > 100 + stop


def test_placement_reaches_the_pod() -> None:
    spec = pod(
        service(
            placement={
                "nodeSelector": {"disk": "ssd"},
                "tolerations": [{"key": "speech", "operator": "Exists"}],
                "priorityClassName": "high",
            }
        )
    )
    assert spec["nodeSelector"] == {"disk": "ssd"}
    assert spec["tolerations"] == [{"key": "speech", "operator": "Exists"}]
    assert spec["priorityClassName"] == "high"


def test_an_image_of_the_spec_comes_before_the_backends() -> None:
    assert pod(service())["containers"][0]["image"] == "speaker-tts-runtime:cpu-1.2.3"
    own = pod(service(image="registry.example.com/own:1"))
    images = {each["image"] for each in (*own["containers"], *own["initContainers"])}
    assert images == {"registry.example.com/own:1"}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, {"requests": {"cpu": "250m", "memory": "512Mi"}, "limits": {"memory": "1Gi"}}),
        (
            {"requests": {"cpu": 2}},
            {"requests": {"cpu": "2"}, "limits": {"memory": "1Gi"}},
        ),
        (
            {"limits": {"memory": "256Mi", "cpu": "100m"}},
            {
                "requests": {"cpu": "100m", "memory": "256Mi"},
                "limits": {"memory": "256Mi", "cpu": "100m"},
            },
        ),
        (
            {"requests": {"memory": "3Gi"}},
            {"requests": {"memory": "3Gi"}, "limits": {"memory": "3Gi"}},
        ),
    ],
)
def test_default_resources_give_way_to_what_the_spec_says(
    given: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert pod(service(resources=given))["containers"][0]["resources"] == expected


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


def restricted_violations(spec: dict[str, Any]) -> Iterator[str]:
    """What the restricted pod security standard would object to."""
    if spec["securityContext"].get("runAsNonRoot") is not True:
        yield "runAsNonRoot"
    if spec["securityContext"].get("seccompProfile") != {"type": "RuntimeDefault"}:
        yield "seccompProfile"
    for field in ("hostNetwork", "hostPID", "hostIPC"):
        if spec.get(field):
            yield field
    allowed = {"configMap", "emptyDir", "persistentVolumeClaim"}
    for volume in spec["volumes"]:
        if not (volume.keys() - {"name"}) <= allowed:
            yield f"volume {volume['name']}"
    for container in (*spec["containers"], *spec.get("initContainers", ())):
        context = container["securityContext"]
        if context["allowPrivilegeEscalation"] or context["capabilities"] != {"drop": ["ALL"]}:
            yield f"container {container['name']}"
        if not context["readOnlyRootFilesystem"]:
            yield f"root file system of {container['name']}"


@PROPERTY
@given(services())
def test_every_pod_meets_the_restricted_standard(of: TTSService) -> None:
    pods = [
        manifest["spec"]["template"]["spec"]
        for manifest in everything(of)
        if "template" in manifest["spec" if "spec" in manifest else "metadata"]
    ]
    assert len(pods) == 1 + (model_cache([of], SETTINGS.images) is not None)
    assert [found for each in pods for found in restricted_violations(each)] == []


@PROPERTY
@given(services())
def test_rendering_is_deterministic(of: TTSService) -> None:
    first = render(of, [voice("a"), voice("b")], SETTINGS)
    assert first == render(of, [voice("b"), voice("a")], SETTINGS)


@PROPERTY
@given(services())
def test_children_are_of_known_kinds_with_valid_names(of: TTSService) -> None:
    known = {resource.kind for resource in (*CHILDREN, *SHARED)}
    for manifest in everything(of):
        assert manifest["kind"] in known
        assert len(manifest["metadata"]["name"]) <= 63


def test_the_strategy_makes_what_admission_lets_pass() -> None:
    with pytest.raises(RefusedError):
        service(**service_manifest(replicas=1, autoscaling={"maxReplicas": 1})["spec"])
