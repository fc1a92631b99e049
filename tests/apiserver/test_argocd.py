"""What Argo CD shows of services and voices: its own engine, set up as the manual says."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from cluster.commands import run
from cluster.envtest import ControlPlane
from speaker_operator.kube.resources import TTS_SERVICE, VOICE
from tests.apiserver.api import Api, Json, eventually, service, voice
from tests.apiserver.children import SETTLE_TIMEOUT, settle
from tests.apiserver.kubelet import roll_out
from tests.apiserver.operator_process import OperatorProcess
from tests.support.addons import PATIENCE, built
from tests.support.kubernetes import is_ready
from tests.unit.speaker_operator.gitops_cases import CASES

pytestmark = [pytest.mark.apiserver, pytest.mark.timeout(PATIENCE)]

TOOL = "argocd-health"
NAMESPACE = "argocd"
SETTINGS = "argocd-cm"
PATCH = Path("docs/argocd/argocd-cm.patch.yaml")
Health = Callable[[Sequence[Json]], list[Json]]


@pytest.fixture(scope="module")
def health(apiserver: ControlPlane, repository: Path) -> Health:
    """Argo CD's judgement of objects, once its ConfigMap is patched; it is built if need be."""
    binaries = built(TOOL)
    for manifest in _installation():
        apiserver.kubectl("apply", "-f", "-", input=json.dumps(manifest))
    patch = f"--patch-file={repository / PATCH}"
    apiserver.kubectl("-n", NAMESPACE, "patch", "configmap", SETTINGS, patch)

    def judged(objects: Sequence[Json]) -> list[Json]:
        told = run(
            [binaries.path(TOOL), str(apiserver.kubeconfig)],
            text="\n".join(map(json.dumps, objects)),
        )
        return [json.loads(line) for line in told.splitlines()]

    return judged


def _installation() -> list[Json]:
    """What an installation has of Argo CD's settings."""
    labels = {"app.kubernetes.io/part-of": "argocd"}
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}},
        *(
            {
                "apiVersion": "v1",
                "kind": kind,
                "metadata": {"name": name, "namespace": NAMESPACE, "labels": labels},
            }
            for kind, name in (("ConfigMap", SETTINGS), ("Secret", "argocd-secret"))
        ),
    ]


def test_argo_shows_what_is_the_matter(health: Health) -> None:
    found = health([case.manifest for case in CASES.values()])
    shown = dict(zip(CASES, (each["status"] for each in found), strict=True))
    assert shown == {name: case.argo for name, case in CASES.items()}
    assert all(each["message"] for each in found)


def test_argo_needs_no_sentence_to_tell(health: Health) -> None:
    mute = [case.manifest for case in CASES.values()]
    for manifest in mute:
        for condition in manifest["status"].get("conditions", ()):
            condition["message"] = "…"
    assert [each["status"] for each in health(mute)] == [case.argo for case in CASES.values()]


def test_argo_follows_a_service_and_its_voice(
    health: Health, api: Api, operator: OperatorProcess
) -> None:
    def shown() -> list[str]:
        live = api.require(TTS_SERVICE, "hello"), api.require(VOICE, "ana")
        return [each["status"] for each in health(live)]

    api.declare(service(), voice("ana"))
    settle(api)
    assert shown() == ["Progressing", "Progressing"]
    roll_out(api)
    eventually(
        lambda: shown() == ["Healthy", "Healthy"], within=SETTLE_TIMEOUT, what="both are Healthy"
    )
    api.patch(TTS_SERVICE, "hello", {"spec": {"suspend": True}})
    eventually(lambda: shown()[0] == "Suspended", within=SETTLE_TIMEOUT, what="it is Suspended")
    assert not is_ready(api.require(TTS_SERVICE, "hello"))
