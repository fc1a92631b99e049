"""Model caches with Kubernetes' own controllers; pods that fetch are real processes."""

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cluster.envtest import ControlPlane
from speaker_operator.kube import rbac
from speaker_operator.kube.resources import (
    CLAIM,
    CONFIG_MAP,
    DEPLOYMENT,
    JOB,
    POD,
    SECRET,
    TTS_SERVICE,
    Resource,
)
from tests.apiserver.api import RESTRICTED, Api, Json, eventually, service, unique_name
from tests.apiserver.conftest import (
    operator_kubeconfig,
    ready_operator,
)
from tests.apiserver.controllers import Kubelet, running_kubelet
from tests.apiserver.fetches import Fetches
from tests.apiserver.kubelet import container_status
from tests.apiserver.machines import never
from tests.apiserver.operator_process import OperatorProcess
from tests.support.checkpoints import small_checkpoint
from tests.support.figures import RecordFigure
from tests.support.kubernetes import condition, is_ready
from tests.support.webserver import Answer, Site, website

pytestmark = pytest.mark.apiserver

TIMEOUT = 30
AT_ONCE = 8.0
"""Seconds for a new Job, its pod and its process on a busy machine; the next try is far away."""
RETRY_SECONDS = 300
FILE = "model.onnx"
CONTENT = bytes(range(256)) * 16384
CLASS = Resource("storage.k8s.io/v1", "StorageClass", "storageclasses")
VOLUME = Resource("v1", "PersistentVolume", "persistentvolumes")
UNUSED_SINCE = "speaker-tts.dev/unused-since"


@pytest.fixture(scope="module")
def fetches(tmp_path_factory: pytest.TempPathFactory) -> Fetches:
    return Fetches(tmp_path_factory.mktemp("volumes"))


@pytest.fixture(scope="module")
def kubelet(cluster: ControlPlane, fetches: Fetches) -> Iterator[Kubelet]:
    with running_kubelet(cluster, {}, never, fetches) as kubelet:
        yield kubelet
    fetches.kill()


@pytest.fixture(scope="module")
def its_operator(
    cluster: ControlPlane, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[OperatorProcess]:
    kubeconfig = operator_kubeconfig(cluster, *rbac.secret_rules())
    settings = {
        "SPEAKER_MODEL_FETCH_RETRY_SECONDS": str(RETRY_SECONDS),
        "SPEAKER_WATCH_SECRETS": "true",
    }
    with ready_operator(tmp_path_factory.mktemp("operator"), kubeconfig, **settings) as running:
        yield running


@pytest.fixture(scope="module")
def storage(everywhere: Api, kubelet: Kubelet) -> str:
    """A storage class with volumes of the only node."""
    everywhere.create_of(
        CLASS,
        {
            "apiVersion": CLASS.api_version,
            "kind": CLASS.kind,
            "metadata": {
                "name": "local",
                "annotations": {"storageclass.kubernetes.io/is-default-class": "true"},
            },
            "provisioner": "kubernetes.io/no-provisioner",
            "volumeBindingMode": "WaitForFirstConsumer",
            "allowVolumeExpansion": True,
        },
    )
    for number in range(24):
        everywhere.create_of(VOLUME, _volume(f"volume-{number}", kubelet.name))
    return "local"


def _volume(name: str, node: str) -> Json:
    term = {"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}
    return {
        "apiVersion": VOLUME.api_version,
        "kind": VOLUME.kind,
        "metadata": {"name": name},
        "spec": {
            "storageClassName": "local",
            "capacity": {"storage": "10Gi"},
            "accessModes": ["ReadWriteOnce", "ReadWriteMany"],
            "persistentVolumeReclaimPolicy": "Retain",
            "local": {"path": f"/tmp/{name}"},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [term]}]}},
        },
    }


@pytest.fixture
def site() -> Iterator[Site]:
    with website() as running:
        yield running


@pytest.fixture
def own(everywhere: Api, storage: str, its_operator: OperatorProcess) -> Iterator[Api]:
    """A namespace of the test's own, under the strictest pod security."""
    api = everywhere.in_namespace(unique_name("test"))
    api.create_namespace(api.namespace, RESTRICTED)
    yield api
    api.delete_all(TTS_SERVICE)


def offered(site: Site, folder: str = "voice") -> str:
    """The address of a model that the site offers."""
    return site.address(folder, site.offer(folder, {FILE: CONTENT}))


def spoken(name: str, source: str, /, **spec: Any) -> Json:
    """A service with a cache whose model comes from an address."""
    cache = {"size": "1Gi", "retain": False, **spec.pop("cache", {})}
    model = {"source": source, **spec.pop("model", {})}
    return service(name, backend="kokoro", cache=cache, model=model, **spec)


def downloads(site: Site, folder: str = "voice") -> int:
    return sum(path == f"/{folder}/{FILE}" for path, _ in site.requests)


def status(api: Api, name: str = "hello") -> Json:
    found: Json = api.require(TTS_SERVICE, name).get("status", {})
    return found


def await_state(api: Api, state: str, name: str = "hello") -> Json:
    def found() -> Json | None:
        model: Json = status(api, name).get("model", {})
        return model if model.get("state") == state else None

    return eventually(found, within=TIMEOUT, what=f"the model of {name} is {state}")


def await_reason(api: Api, reason: str, name: str = "hello", within: float = TIMEOUT) -> Json:
    def found() -> Json | None:
        ready = condition(api.require(TTS_SERVICE, name), "Ready")
        return ready if ready.get("reason") == reason else None

    return eventually(found, within=within, what=f"{name} is {reason}")


def await_ready(api: Api, name: str = "hello", within: float = TIMEOUT) -> Json:
    def found() -> Json | None:
        current = api.require(TTS_SERVICE, name)
        return current if is_ready(current) else None

    return eventually(found, within=within, what=f"{name} is Ready")


def pods(api: Api, name: str = "hello") -> list[Json]:
    """A service's pods."""
    labels = ((pod, pod["metadata"]["labels"]) for pod in api.list(POD))
    return [pod for pod, each in labels if each.get("speaker-tts.dev/service") == name]


def held(site: Site, folder: str = "voice") -> threading.Event:
    """Have the next download stop in the middle, until the event is set."""
    event = threading.Event()
    site.plans[f"/{folder}/{FILE}"] = [Answer(hold=event)]
    return event


def test_pods_and_services_share_one_download_and_wait_for_it_without_being_there(
    own: Api, site: Site, record_figure: RecordFigure
) -> None:
    source, event = offered(site), held(site)
    own.declare(spoken("hello", source, replicas=3), spoken("other", source))
    for name in ("hello", "other"):
        eventually(
            lambda name=name: status(own, name).get("model", {}).get("bytes", 0) > 0,  # type: ignore[misc]
            within=TIMEOUT,
            what="bytes of the download are told",
        )
    model = await_state(own, "Downloading", "other")
    assert 0 < model["bytes"] < model["totalBytes"] == len(CONTENT)
    assert condition(own.require(TTS_SERVICE, "hello"), "Ready")["reason"] == "Downloading"
    assert own.require(DEPLOYMENT, "hello")["spec"]["replicas"] == 0
    assert pods(own) == pods(own, "other") == []
    event.set()
    await_ready(own, "other")
    await_ready(own)
    assert len(pods(own)) == 3
    ready = await_state(own, "Ready")
    assert (ready["bytes"], ready["digest"]) == (len(CONTENT), source.rpartition("@")[2])
    (claim,) = own.list(CLAIM)
    (job,) = own.list(JOB)
    own.delete(JOB, job["metadata"]["name"], propagationPolicy="Background")
    own.patch(TTS_SERVICE, "hello", {"spec": {"replicas": 5}})
    eventually(lambda: len(pods(own)) == 5, within=TIMEOUT, what="there are more pods")
    await_ready(own)
    assert own.list(JOB) == [], "the claim knows that it is filled"
    record_figure("downloads for 6 pods of 2 services", downloads(site), "", goal="<= 1")
    assert downloads(site) == 1
    assert claim["metadata"]["name"] == ready["claim"]


def test_a_download_that_was_stopped_goes_on_where_it_was(
    own: Api, site: Site, fetches: Fetches
) -> None:
    held(site)
    own.declare(spoken("hello", offered(site)))
    eventually(
        lambda: status(own).get("model", {}).get("bytes", 0) > 0,
        within=TIMEOUT,
        what="the download is under way",
    )
    fetches.stop()
    message = await_state(own, "Failed")["message"]
    assert "it is tried again" in message
    retry = {"metadata": {"annotations": {"speaker-tts.dev/retry": "now"}}}
    own.patch(TTS_SERVICE, "hello", retry)
    await_ready(own)
    ranges = [asked for path, asked in site.requests if path == f"/voice/{FILE}"]
    assert ranges[0] is None
    assert ranges[1] is not None
    assert int(ranges[1].removeprefix("bytes=").removesuffix("-")) > 0


def test_a_missing_secret_a_refused_login_and_a_mended_secret(
    own: Api, site: Site, record_figure: RecordFigure
) -> None:
    """``hf://`` is the source that takes a token; its Hub is this site."""
    site.token = "right"
    info = {"sha": "abc123", "siblings": [], "cardData": {"license": "mit"}}
    entry = {"type": "file", "path": FILE, "size": len(CONTENT), "lfs": _lfs(CONTENT)}
    site.files["/api/models/owner/voice/revision/main"] = _json(info)
    site.files["/api/models/owner/voice/tree/main"] = _json([entry])
    site.files[f"/owner/voice/resolve/main/{FILE}"] = CONTENT
    mirror = {"initContainers": [{"name": "model-fetch", "env": [_env("HF_ENDPOINT", site.url)]}]}
    own.declare(
        spoken(
            "hello",
            "hf://owner/voice@main",
            model={"credentialsSecret": "token"},
            podTemplate={"spec": mirror},
        )
    )
    assert "no Secret token" in await_reason(own, "SecretNotFound")["message"]
    own.create(_secret("wrong"))
    refused = await_reason(own, "LoginRefused")
    assert "401" in refused["message"]
    assert "credentialsSecret" in refused["message"]
    started = datetime.now(UTC)
    own.patch(SECRET, "token", {"data": _secret("right")["data"]})
    await_ready(own, within=AT_ONCE)
    seconds = (datetime.now(UTC) - started).total_seconds()
    record_figure("Secret mended to service Ready", seconds, "s", goal="<= 8")


def _secret(token: str) -> Json:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "token"},
        "data": {"HF_TOKEN": base64.b64encode(token.encode()).decode()},
    }


def _env(name: str, value: str) -> Json:
    return {"name": name, "value": value}


def _lfs(content: bytes) -> Json:
    return {"size": len(content), "oid": hashlib.sha256(content).hexdigest()}


def _json(value: object) -> bytes:
    return json.dumps(value).encode()


def test_a_cache_that_is_too_small_is_refused_before_the_download_and_may_grow(
    own: Api, site: Site
) -> None:
    own.declare(spoken("hello", offered(site), cache={"size": "1Mi"}))
    assert "spec.cache.size" in await_reason(own, "NoSpace")["message"]
    assert downloads(site) == 0
    own.patch(TTS_SERVICE, "hello", {"spec": {"cache": {"size": "1Gi"}}})
    await_ready(own, within=AT_ONCE)
    assert downloads(site) == 1


def test_a_wrong_digest_is_told(own: Api, site: Site) -> None:
    source = f"{site.url}/voice@sha256:{'0' * 64}"
    offered(site)
    own.declare(spoken("hello", source))
    await_reason(own, "ModelCorrupt")
    own.patch(TTS_SERVICE, "hello", {"spec": {"model": {"source": offered(site)}}})
    await_ready(own, within=AT_ONCE)


def test_a_storage_class_that_is_not_there_is_told(own: Api, site: Site) -> None:
    own.declare(spoken("hello", offered(site), cache={"storageClassName": "no-such"}))
    assert "no-such" in await_reason(own, "CachePending")["message"]
    own.delete(TTS_SERVICE, "hello")
    eventually(lambda: not own.list(CLAIM), within=TIMEOUT, what="its claim is gone")


def test_while_another_model_comes_the_pods_go_on_with_the_one_of_before(
    own: Api, site: Site
) -> None:
    own.declare(spoken("hello", offered(site)))
    await_ready(own)
    (before,) = pods(own)
    config = own.require(CONFIG_MAP, "hello-config")["data"]["config.json"]
    source, event = offered(site, "better"), held(site, "better")
    own.patch(TTS_SERVICE, "hello", {"spec": {"model": {"source": source}, "expose": {"port": 90}}})
    await_state(own, "Downloading")
    progressing = condition(own.require(TTS_SERVICE, "hello"), "Progressing")
    assert progressing["reason"] == "Downloading"
    assert "1 pod can serve the model of before" in progressing["message"]
    assert own.require(CONFIG_MAP, "hello-config")["data"]["config.json"] == config
    assert [pod["metadata"]["uid"] for pod in pods(own)] == [before["metadata"]["uid"]]
    event.set()
    await_ready(own)
    assert before["metadata"]["uid"] not in {pod["metadata"]["uid"] for pod in pods(own)}
    eventually(lambda: len(own.list(CLAIM)) == 1, within=TIMEOUT, what="the old cache is gone")
    missing = f"{site.url}/nothing@sha256:{'0' * 64}"
    own.patch(TTS_SERVICE, "hello", {"spec": {"model": {"source": missing}}})
    await_reason(own, "ModelUnavailable")
    assert condition(own.require(TTS_SERVICE, "hello"), "Available")["status"] == "True"
    own.patch(TTS_SERVICE, "hello", {"spec": {"model": {"source": source}}})
    await_ready(own)
    assert downloads(site, "better") == 1


def test_a_service_that_is_deleted_while_it_waits_leaves_nothing(own: Api, site: Site) -> None:
    held(site)
    own.declare(spoken("hello", offered(site)))
    await_state(own, "Downloading")
    own.delete(TTS_SERVICE, "hello", propagationPolicy="Foreground")
    for resource in (TTS_SERVICE, JOB, POD, CLAIM):
        eventually(
            lambda resource=resource: not own.list(resource),  # type: ignore[misc]
            within=TIMEOUT,
            what=f"no {resource.kind} is left",
        )


def test_an_unused_cache_stays_for_its_time_and_is_used_again(own: Api, site: Site) -> None:
    source = offered(site)
    own.declare(spoken("hello", source, cache={"retain": True, "retainFor": "1h"}))
    await_ready(own)
    own.delete(TTS_SERVICE, "hello")

    def unused() -> str | None:
        (claim,) = own.list(CLAIM)
        since: str | None = claim["metadata"]["annotations"].get(UNUSED_SINCE)
        return since

    eventually(unused, within=TIMEOUT, what="the claim tells that nobody uses it")
    own.declare(spoken("again", source, cache={"retain": True, "retainFor": "1s"}))
    await_ready(own, "again")
    assert downloads(site) == 1
    assert unused() is None
    own.delete(TTS_SERVICE, "again")
    eventually(lambda: not own.list(CLAIM), within=TIMEOUT, what="its time is over")


def test_a_suspended_service_downloads_nothing_until_it_goes_on(own: Api, site: Site) -> None:
    own.declare(spoken("hello", offered(site), suspend=True))
    await_reason(own, "Suspended")
    eventually(lambda: own.list(JOB), within=TIMEOUT, what="its Job is there")
    assert own.list(POD) == []
    own.patch(TTS_SERVICE, "hello", {"spec": {"suspend": False}})
    await_ready(own)


def test_a_model_that_a_pod_finds_damaged_is_looked_after(
    own: Api, site: Site, fetches: Fetches
) -> None:
    model, cache = {"source": offered(site)}, {"existingClaim": "models"}
    own.declare(service("hello", backend="kokoro", model=model, cache=cache))
    own.create(
        {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {"name": "models"},
            "spec": {
                "accessModes": ["ReadWriteMany"],
                "resources": {"requests": {"storage": "1Gi"}},
            },
        }
    )
    await_ready(own)
    (file,) = fetches.folder_of(own.namespace, "models").rglob(FILE)
    file.write_bytes(b"damaged")
    (pod,) = pods(own)
    ended = {
        "exitCode": 4,
        "message": "it is cut short",
        "finishedAt": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    crashed = {"lastState": {"terminated": ended}, "state": {"waiting": {"reason": "x"}}}
    own.patch_status(
        POD, pod["metadata"]["name"], containerStatuses=[container_status("runtime", crashed)]
    )
    eventually(lambda: file.read_bytes() == CONTENT, within=TIMEOUT, what="it is whole again")
    assert downloads(site) == 2


def test_what_a_backend_makes_of_a_model_is_in_a_cache_of_its_own(
    own: Api, site: Site, fetches: Fetches, tmp_path: Path
) -> None:
    published = small_checkpoint(tmp_path / "published")
    files = {path.name: path.read_bytes() for path in published.iterdir()}
    source = site.address("xtts", site.offer("xtts", files | {FILE: CONTENT}))
    cache = {"size": "1Gi", "retain": False}
    own.declare(
        service("hello", backend="xtts", model={"source": source}, cache=cache),
        spoken("other", source),
    )
    await_reason(own, "LicenseNotAccepted")
    await_ready(own, "other")
    own.patch(TTS_SERVICE, "hello", {"spec": {"model": {"acceptLicense": "CPML"}}})
    await_ready(own)
    models = [await_state(own, "Ready", name) for name in ("hello", "other")]
    made, kept = (
        {path.name for path in fetches.folder_of(own.namespace, each["claim"]).rglob("*.*")}
        for each in models
    )
    assert made >= {"config.json", "vocab.json", "model.safetensors", "speakers.safetensors"}
    assert not made & {"model.pth", "speakers_xtts.pth", FILE}
    assert kept >= files.keys()
    assert models[0]["digest"] != models[1]["digest"] == source.rpartition("@")[2]
    assert downloads(site, "xtts") == 1, "the one that takes all files as they are"
