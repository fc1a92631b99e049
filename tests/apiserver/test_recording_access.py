"""Which recordings may be read, and by whom: the chart's values, and roles beside it."""

import json
from pathlib import Path

import pytest

from cluster.envtest import ControlPlane
from speaker_operator.kube.resources import DEPLOYMENT, SECRET, VOICE
from speaker_runtime.contract import digest_of
from tests.apiserver.api import Api, eventually, service, unique_name
from tests.apiserver.conftest import READY_TIMEOUT
from tests.apiserver.installs import (
    SERVICE_ACCOUNT,
    Install,
    Installer,
    may,
    token_kubeconfig,
)
from tests.apiserver.kubelet import live_pod, report_deployment
from tests.apiserver.operator_process import OPERATOR, run_operator
from tests.apiserver.recordings import CLONES, LOW, await_reason, clone, holder, of_secret
from tests.support.kubernetes import is_ready
from tests.support.webserver import website

pytestmark = pytest.mark.apiserver

ALLOWED_SECONDS = 40
"""The operator looks every 30 s for what it may read by now."""


@pytest.mark.parametrize("number", [0, 2], ids=["cluster", "two namespaces"])
def test_secrets_are_read_where_voices_are_served_and_nowhere_else(
    its_admin: Api, install: Installer, number: int
) -> None:
    watched = [unique_name("watched") for _ in range(number)]
    release = install(*watched, values=("voices.readSecrets=true",))
    elsewhere = unique_name("elsewhere")
    its_admin.create_namespace(elsewhere, {})

    def granted(namespace: str) -> set[str]:
        verbs = ("get", "list", "watch", "create", "update", "patch", "delete")
        return {
            verb for verb in verbs if may(its_admin, release, verb, "secrets", namespace=namespace)
        }

    reading = {"get", "list", "watch"}
    assert granted(elsewhere) == (set() if watched else reading)
    assert [granted(namespace) for namespace in watched] == [reading] * number


def allow(plane: ControlPlane, release: Install, namespace: str, secret: str) -> None:
    """Let the operator read one Secret, as docs/voices.md says."""
    rule = {"apiGroups": [""], "resources": ["secrets"], "resourceNames": [secret]}
    metadata = {"name": f"read-{secret}", "namespace": namespace}
    api = "rbac.authorization.k8s.io"
    role = {
        "apiVersion": f"{api}/v1",
        "kind": "Role",
        "metadata": metadata,
        "rules": [{**rule, "verbs": ["get"]}],
    }
    user = {"kind": "ServiceAccount", "name": SERVICE_ACCOUNT, "namespace": release.system}
    binding = {
        "apiVersion": f"{api}/v1",
        "kind": "RoleBinding",
        "metadata": metadata,
        "subjects": [user],
        "roleRef": {"apiGroup": api, "kind": "Role", "name": metadata["name"]},
    }
    for each in (role, binding):
        plane.kubectl("apply", "-f", "-", input=json.dumps(each))


def test_single_secrets_and_private_addresses_can_be_allowed(
    plane: ControlPlane, its_admin: Api, install: Installer, tmp_path: Path
) -> None:
    release = install(unique_name("watched"), values=("voices.allowPrivateAddresses=true",))
    own = its_admin.in_namespace(release.watched[0])
    kubeconfig = token_kubeconfig(plane, release.system, tmp_path)
    with (
        run_operator(tmp_path, kubeconfig, (OPERATOR,), **release.settings) as operator,
        website() as site,
        own.machines,
    ):
        eventually(operator.is_ready, within=READY_TIMEOUT, what="the operator is ready")
        own.declare(service(**CLONES))
        eventually(lambda: own.get(DEPLOYMENT, "hello"), within=READY_TIMEOUT, what="a Deployment")
        pod = own.machines.enter_context(live_pod(own))
        numbers = {"updatedReplicas": 1, "readyReplicas": 1, "availableReplicas": 1}
        report_deployment(own, "hello", replicas=1, **numbers)

        site.files["/ana.wav"] = LOW
        fetched = {"uri": f"{site.url}/ana.wav", "digest": digest_of(LOW)}
        own.declare(
            clone("near", fetched),
            clone("nearest", {"uri": "https://169.254.169.254/credentials"}),
            *(holder(SECRET.kind, name, LOW) for name in ("ana", "ben")),
            *(clone(name, of_secret(name)) for name in ("ana", "ben")),
        )
        eventually(lambda: is_ready(own.get(VOICE, "near")), within=READY_TIMEOUT, what="is near")
        assert pod.pitch("near") == pytest.approx(110, rel=0.1)
        assert "169.254.169.254" in await_reason(own, "nearest", "AddressForbidden")

        assert "voices.readSecrets" in await_reason(own, "ana", "SourceForbidden")
        allow(plane, release, own.namespace, "ana")
        eventually(lambda: is_ready(own.get(VOICE, "ana")), within=ALLOWED_SECONDS, what="ana")
        assert pod.pitch("ana") == pytest.approx(110, rel=0.1)
        await_reason(own, "ben", "SourceForbidden")
