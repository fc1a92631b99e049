"""Model caches: who shares one, what its claim and its Job look like, and where they run."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from speaker_operator.render.caches import ModelCache, model_cache, place_of
from speaker_operator.render.children import render
from speaker_operator.render.claim import Filling, shared_claim
from speaker_operator.render.environment import FetchEnvironment
from speaker_operator.render.fetchjob import fetch_job
from speaker_operator.render.images import ImageSettings
from speaker_operator.render.labels import CACHE, JOB_HASH, RELEASED, RETAIN, RETRY
from speaker_operator.render.networkpolicy import fetch_policy
from speaker_operator.render.runtime_config import runtime_config
from tests.unit.speaker_operator.factories import SETTINGS, Json, service

SOURCE = "https://models.test/deep/Voice-Model"
KOKORO: Json = {"backend": "kokoro", "cache": {}}
HOST = "kubernetes.io/hostname"


def on(name: str = "hello", /, **spec: Any) -> Any:
    """A service whose model comes from SOURCE, into a cache."""
    cache = {"size": "2Gi", **spec.pop("cache", {})}
    if "existingClaim" in cache:
        del cache["size"]
    return service(name, **{"model": {"source": SOURCE}, **spec, "cache": cache})


def cache_of(*services: Any) -> ModelCache:
    found = model_cache(services, SETTINGS.images)
    assert found is not None
    return found


def claim_of(*services: Any) -> Json:
    claim = shared_claim(cache_of(*services), None)
    assert claim is not None
    return claim


def job_of(*services: Any, secret: str = "", settings: Any = SETTINGS) -> Json:
    cache = cache_of(*services)
    return fetch_job(cache, settings, claim_uid="uid-of-claim", secret=secret)


def job_pod(*services: Any, **given: Any) -> Json:
    spec: Json = job_of(*services, **given)["spec"]["template"]["spec"]
    return spec


def pod(of: Any) -> Json:
    cache = model_cache([of], SETTINGS.images)
    manifests = render(of, (), SETTINGS, cache)
    spec: Json = next(m for m in manifests if m["kind"] == "Deployment")["spec"]["template"]["spec"]
    return spec


def test_services_with_the_same_source_share_a_cache_and_others_do_not() -> None:
    assert place_of(on("a")) == place_of(on("b"))
    assert place_of(on("a")) != place_of(on("b", model={"source": f"{SOURCE}-2"}))
    assert place_of(service()) is None


def test_what_a_backend_makes_of_a_source_is_shared_with_no_other_backend() -> None:
    xtts = on("a", backend="xtts"), on("b", backend="xtts")
    custom = on("c", backend="custom", image="registry.test/server:1")
    assert place_of(xtts[0]) == place_of(xtts[1])
    assert place_of(xtts[0]) != place_of(custom)
    assert place_of(custom) == place_of(on("d"))
    claims = {"existingClaim": "models"}
    assert place_of(on("a", backend="xtts", cache=claims)) != place_of(on("d", cache=claims))


def test_the_job_makes_what_the_backend_loads_where_its_pods_look_for_it() -> None:
    of = on("a", backend="xtts")
    (container,) = job_pod(of)["containers"]
    assert container["image"] == SETTINGS.images.template.format(engine="xtts")
    assert "--backend=xtts" in container["args"]
    config = runtime_config(of, models=Path("/models"), audio_cache=Path("/cache"))
    assert str(config.model.directory) in container["args"]
    assert not any("--backend" in each for each in job_pod(on("b"))["containers"][0]["args"])


@pytest.mark.parametrize(
    ("spec", "claim"),
    [
        ({"cache": {"existingClaim": "models"}}, "models"),
        ({"cache": {"accessMode": "ReadWriteOncePod"}}, "hello-model"),
        ({"model": {}}, "hello-model"),
    ],
    ids=["people's own", "for one pod", "a model that is in the image"],
)
def test_what_cannot_be_shared_is_not(spec: Json, claim: str) -> None:
    place = place_of(on(**spec))
    assert place is not None
    assert (place.claim, place.kind != "shared") == (claim, True)


def test_its_name_says_what_it_holds() -> None:
    assert claim_of(on())["metadata"]["name"].startswith("model-voice-model-")
    pinned = on(model={"source": f"{SOURCE}@sha256:{'a' * 64}"})
    assert claim_of(pinned)["metadata"]["name"].startswith("model-voice-model-")
    assert claim_of(service(**KOKORO))["metadata"]["name"].startswith("model-kokoro-82m-int8-")


def test_pods_of_a_shared_cache_bring_nothing_themselves() -> None:
    spec = pod(on(model={"source": SOURCE, "credentialsSecret": "token"}))
    assert "initContainers" not in spec
    assert "envFrom" not in spec["containers"][0]
    mounts = {mount["name"]: mount for mount in spec["containers"][0]["volumeMounts"]}
    assert mounts["model"]["readOnly"] is True


def test_a_volume_of_one_node_keeps_all_who_share_it_there() -> None:
    together = [
        {
            "labelSelector": {"matchLabels": {CACHE: cache_of(on()).place.key}},
            "topologyKey": HOST,
        }
    ]
    for spec in (pod(on()), job_pod(on())):
        affinity = spec["affinity"]["podAffinity"]
        assert affinity["requiredDuringSchedulingIgnoredDuringExecution"] == together
    assert "affinity" not in pod(on(cache={"accessMode": "ReadWriteMany"}))


def test_the_largest_size_and_whatever_only_one_of_them_says_count() -> None:
    first = on("a", cache={"size": "1Gi", "accessMode": "ReadWriteMany"})
    second = on("b", cache={"size": "3Gi", "storageClassName": "fast"})
    spec = claim_of(first, second)["spec"]
    assert spec["resources"]["requests"]["storage"] == "3Gi"
    assert (spec["accessModes"], spec["storageClassName"]) == (["ReadWriteMany"], "fast")


def test_the_oldest_service_decides_and_the_others_are_told() -> None:
    old, young = (_born(on(n, cache={"storageClassName": n}), t) for n, t in (("z", 1), ("a", 2)))
    cache = cache_of(young, old)
    assert cache.lead.metadata.name == "z"
    assert cache.conflict(old) is None
    assert "storageClassName z, not a" in (cache.conflict(young) or "")


def _born(of: Any, hour: int) -> Any:
    time = f"2026-01-01T0{hour}:00:00Z"
    return of.model_copy(
        update={"metadata": of.metadata.model_copy(update={"creation_timestamp": time})}
    )


@pytest.mark.parametrize(
    ("caches", "policy"),
    [
        ([{}], "true"),
        ([{"retain": False}], "false"),
        ([{"retain": False}, {}], "true"),
        ([{"retain": False}, {"retainFor": "2h"}], "2h"),
        ([{"retainFor": "90m"}, {"retainFor": "1h"}], "90m"),
        ([{"retainFor": "90m"}, {}], "true"),
    ],
)
def test_a_cache_stays_as_long_as_any_of_them_wants(caches: list[Json], policy: str) -> None:
    services = [on(f"s{n}", cache=cache) for n, cache in enumerate(caches)]
    assert claim_of(*services)["metadata"]["annotations"][RETAIN] == policy


def test_the_claim_tells_what_it_holds() -> None:
    filled = shared_claim(cache_of(on()), Filling("abc", "2026-01-01T00:00:00Z", "{}"))
    assert filled is not None
    assert "abc" in filled["metadata"]["annotations"].values()


def test_the_job_asks_for_no_gpu_but_runs_where_the_service_can() -> None:
    gpu = {"product": "NVIDIA-L4"}
    on_gpu = on(gpu=gpu, image="registry.test/own:1", placement={"nodeSelector": {"a": "b"}})
    spec = job_pod(on_gpu)
    assert "nvidia.com/gpu" not in str(spec["containers"][0]["resources"])
    assert "NVIDIA-L4" in str(spec["affinity"]["nodeAffinity"])
    assert spec["nodeSelector"] == {"a": "b"}
    anywhere = job_pod(on(gpu=gpu, image="x:1", cache={"accessMode": "ReadWriteMany"}))
    assert "NVIDIA-L4" not in str(anywhere)


def test_the_job_is_told_what_how_large_and_what_was_accepted() -> None:
    licensed = on("b", model={"source": SOURCE, "acceptLicense": "CPML"})
    (container,) = job_pod(on("a"), licensed)["containers"]
    assert container["args"][:3] == ["model", "fill", SOURCE]
    assert container["args"][4:] == [
        "--status=0.0.0.0:8080",
        f"--capacity={2 * 2**30}",
        "--accept-license=CPML",
    ]


def test_credentials_and_registries_are_the_jobs_alone() -> None:
    environment = FetchEnvironment(values={"HTTPS_PROXY": "http://proxy:3128"})
    settings = replace(SETTINGS, fetch=environment)
    (container,) = job_pod(
        on(model={"source": SOURCE, "credentialsSecret": "token"}), settings=settings
    )["containers"]
    assert container["env"] == [{"name": "HTTPS_PROXY", "value": "http://proxy:3128"}]
    assert container["envFrom"] == [{"secretRef": {"name": "token"}}]


def test_a_source_on_a_claim_is_mounted_for_the_job_alone() -> None:
    of = on(model={"source": "pvc://models/kokoro"})
    claims = [v.get("persistentVolumeClaim", {}).get("claimName") for v in job_pod(of)["volumes"]]
    assert "models" in claims
    assert "models" not in str(pod(of)["volumes"])


def test_what_people_say_of_pods_holds_for_the_job_as_far_as_it_concerns_it() -> None:
    template = {
        "spec": {
            "imagePullSecrets": [{"name": "registry"}],
            "initContainers": [{"name": "model-fetch", "env": [{"name": "A", "value": "b"}]}],
            "containers": [{"name": "proxy", "image": "proxy:1"}],
        }
    }
    of = on(podTemplate=template)
    fetching, serving = job_pod(of), pod(of)
    assert fetching["imagePullSecrets"] == [{"name": "registry"}]
    assert [each["name"] for each in fetching["containers"]] == ["model-fetch"]
    assert fetching["containers"][0]["env"] == [{"name": "A", "value": "b"}]
    assert [each["name"] for each in serving["containers"]] == ["runtime", "proxy"]
    assert "initContainers" not in serving


def test_a_job_is_bounded_and_nobody_but_the_operator_tries_again() -> None:
    spec = job_of(on())["spec"]
    assert spec["backoffLimit"] == 0
    assert spec["template"]["spec"]["restartPolicy"] == "Never"
    assert spec["activeDeadlineSeconds"] > 0
    assert spec["ttlSecondsAfterFinished"] > 0
    assert spec["podFailurePolicy"]["rules"][0]["action"] == "Ignore"
    kept = job_of(on(cache={"existingClaim": "models"}))["spec"]
    assert "ttlSecondsAfterFinished" not in kept, "the Job alone says that the claim is filled"


def hash_of(*services: Any, secret: str = "") -> str:
    digest: str = job_of(*services, secret=secret)["metadata"]["annotations"][JOB_HASH]
    return digest


def test_a_job_changes_with_all_that_it_depends_on_and_nothing_else() -> None:
    plain = hash_of(on())
    assert plain == hash_of(on(serving={"drainSeconds": 7}), on("other"))
    retried = on()
    notes = retried.metadata.model_copy(update={"annotations": {RETRY: "now"}})
    changed = {
        hash_of(on(model={"source": SOURCE, "credentialsSecret": "token"})),
        hash_of(on(model={"source": SOURCE, "acceptLicense": "CPML"})),
        hash_of(on(cache={"size": "4Gi"})),
        hash_of(on(image="registry.test/own:1")),
        hash_of(on(), secret="uid/2"),
        hash_of(retried.model_copy(update={"metadata": notes})),
    }
    assert len(changed - {plain}) == 6


def test_it_stands_still_when_all_who_share_it_do() -> None:
    assert job_of(on("a", suspend=True), on("b"))["spec"]["suspend"] is False
    assert job_of(on("a", suspend=True))["spec"]["suspend"] is True


def test_what_belongs_into_a_cache_follows_the_image_where_the_model_does() -> None:
    other = ImageSettings("speaker-tts-runtime:{engine}-9.9.9")
    for spec, same in ((KOKORO, False), ({"cache": {}, "model": {"source": SOURCE}}, True)):
        found = [model_cache([service(**spec)], images) for images in (SETTINGS.images, other)]
        contents = {each.content for each in found if each is not None}
        assert (len(contents) == 1) is same


def test_until_the_model_is_there_a_service_has_no_pods_but_everything_else() -> None:
    of = on(autoscaling={"minReplicas": 2, "maxReplicas": 3})
    kinds = {}
    for stage in ("waiting", "released"):
        manifests = render(of, (), SETTINGS, cache_of(of), stage)
        kinds[stage] = {manifest["kind"] for manifest in manifests}
        deployment = next(each for each in manifests if each["kind"] == "Deployment")
        assert (deployment["spec"].get("replicas") == 0) is (stage == "waiting")
        released = RELEASED in deployment["metadata"].get("annotations", {})
        assert released is (stage == "released")
    assert kinds["waiting"] == kinds["released"]


def test_the_pod_that_fetches_is_as_well_guarded_as_those_that_serve() -> None:
    open_ = {"networkPolicy": {"enabled": True}}
    peers = [{"ipBlock": {"cidr": "10.0.0.0/8"}}]
    shut = {"networkPolicy": {"enabled": True, "allowTo": peers}}
    settings = replace(SETTINGS, operator_namespace="system")
    assert fetch_policy(cache_of(on()), settings) is None
    guarded = fetch_policy(cache_of(on("a"), on("b", **shut)), settings)
    assert guarded is not None
    (rule,) = guarded["spec"]["ingress"]
    assert [peer["namespaceSelector"]["matchLabels"] for peer in rule["from"]] == [
        {"kubernetes.io/metadata.name": "system"}
    ]
    assert guarded["spec"]["egress"][1]["to"] == peers
    labels = job_of(on())["spec"]["template"]["metadata"]["labels"]
    assert guarded["spec"]["podSelector"]["matchLabels"].items() <= labels.items()
    looser = fetch_policy(cache_of(on("a", **open_), on("b", **shut)), settings)
    assert looser is not None
    assert looser["spec"]["policyTypes"] == ["Ingress"]
