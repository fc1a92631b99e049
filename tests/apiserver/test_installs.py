"""The chart's installs on a real API server: what each may do, and that it is enough."""

import json
from pathlib import Path

import pytest

from cluster.envtest import ControlPlane
from speaker_operator.kube.rbac import KEY_SECRET
from speaker_operator.kube.resources import CHILDREN, POD, TTS_SERVICE
from tests.apiserver.api import RESTRICTED, Api, eventually, service, unique_name, voice
from tests.apiserver.children import EVERYTHING, SETTLE_TIMEOUT, owned, settled
from tests.apiserver.conftest import (
    READY_TIMEOUT,
)
from tests.apiserver.installs import (
    SERVICE_ACCOUNT,
    Install,
    Installer,
    may,
    token_kubeconfig,
)
from tests.apiserver.operator_process import OPERATOR, run_operator

pytestmark = pytest.mark.apiserver


SERVED = (
    *(("list", "ttsservices.speaker-tts.dev"), ("watch", "voices.speaker-tts.dev")),
    *(("patch", "ttsservices/status.speaker-tts.dev"), ("patch", "voices/status.speaker-tts.dev")),
    *((verb, "deployments.apps") for verb in ("get", "list", "watch", "create", "patch", "delete")),
    *((verb, "configmaps") for verb in ("get", "list", "watch", "create", "patch", "delete")),
    *(("list", "pods"), ("watch", "pods"), ("create", "events.events.k8s.io")),
)
"""What it may do in the namespaces that it watches."""
NEVER = (
    *((verb, "ttsservices.speaker-tts.dev") for verb in ("create", "update", "patch", "delete")),
    *((verb, "voices.speaker-tts.dev") for verb in ("create", "update", "patch", "delete")),
    *((verb, "secrets") for verb in ("get", "list", "watch", "create", "update", "delete")),
    *((verb, "pods") for verb in ("create", "update", "patch")),
    *(("create", "pods/exec"), ("get", "pods/log"), ("update", "deployments.apps")),
    *(("patch", "deployments/scale.apps"), ("deletecollection", "configmaps")),
    *(("create", "roles.rbac.authorization.k8s.io"), ("create", "serviceaccounts/token")),
    *(("get", "leases.coordination.k8s.io"), ("list", "events.events.k8s.io")),
    *(("impersonate", "users"), ("escalate", "clusterroles.rbac.authorization.k8s.io")),
)
"""What it may do in none of them."""
OWN = (
    ("get", "secrets", KEY_SECRET, True),
    ("create", "secrets", "", True),
    ("get", "secrets", "another", False),
    ("list", "secrets", "", False),
    ("update", "secrets", KEY_SECRET, False),
    ("delete", "secrets", KEY_SECRET, False),
    ("get", "leases.coordination.k8s.io", SERVICE_ACCOUNT, True),
    ("update", "leases.coordination.k8s.io", SERVICE_ACCOUNT, True),
    ("create", "leases.coordination.k8s.io", "", True),
    ("update", "leases.coordination.k8s.io", "another", False),
    ("delete", "leases.coordination.k8s.io", SERVICE_ACCOUNT, False),
    ("list", "leases.coordination.k8s.io", "", False),
)
"""What it may do in its own namespace, to which objects."""
CLUSTER = (("get", "nodes"), ("update", "nodes"), ("list", "namespaces"), ("list", "secrets"))
"""What it may not do anywhere."""


def table(its_admin: Api, release: Install, namespace: str) -> dict[tuple[str, str], bool]:
    return {
        (verb, resource): may(its_admin, release, verb, resource, namespace=namespace)
        for verb, resource in (*SERVED, *NEVER)
    }


EXPECTED = dict.fromkeys(SERVED, True) | dict.fromkeys(NEVER, False)
NOTHING = dict.fromkeys((*SERVED, *NEVER), False)


@pytest.mark.parametrize("number", [0, 1, 2], ids=["cluster", "one namespace", "two namespaces"])
def test_each_install_may_do_what_it_needs_and_no_more(
    its_admin: Api, install: Installer, number: int
) -> None:
    release = install(*(unique_name("watched") for _ in range(number)))
    elsewhere = unique_name("elsewhere")
    its_admin.create_namespace(elsewhere, {})
    for namespace in release.watched:
        assert table(its_admin, release, namespace) == EXPECTED, namespace
    assert table(its_admin, release, elsewhere) == (NOTHING if release.watched else EXPECTED)
    for verb, resource, name, allowed in OWN:
        found = may(its_admin, release, verb, resource, namespace=release.system, name=name)
        assert found is allowed, (verb, resource, name)
    for verb, resource in CLUSTER:
        assert not may(its_admin, release, verb, resource), (verb, resource)
    assert may(its_admin, release, "list", "nodes") is (number == 0)


def test_nodes_may_be_listed_where_the_values_say_so(its_admin: Api, install: Installer) -> None:
    release = install(unique_name("watched"), values=("nodeAccess=true",))
    assert may(its_admin, release, "list", "nodes")
    assert not may(its_admin, release, "watch", "nodes")


@pytest.mark.parametrize("number", [0, 1, 2], ids=["cluster", "one namespace", "two namespaces"])
def test_each_install_serves_its_namespaces_with_its_own_token(
    plane: ControlPlane, its_admin: Api, install: Installer, tmp_path: Path, number: int
) -> None:
    release = install(*(unique_name("watched") for _ in range(number)))
    served = release.watched or (unique_name("served"),)
    if not release.watched:
        its_admin.create_namespace(served[0], RESTRICTED)
    kubeconfig = token_kubeconfig(plane, release.system, tmp_path)
    with run_operator(tmp_path, kubeconfig, (OPERATOR,), **release.settings) as operator:
        eventually(operator.is_ready, within=READY_TIMEOUT, what="the operator is ready")
        for namespace in served:
            own = its_admin.in_namespace(namespace)
            own.declare(service(**EVERYTHING), voice("ana"))
        for namespace in served:
            own = its_admin.in_namespace(namespace)
            await_children(own, len(CHILDREN))
            own.patch(TTS_SERVICE, "hello", {"spec": {"autoscaling": None, "networkPolicy": None}})
            await_children(own, len(CHILDREN) - 3)  # and no budget for what is one pod
        refused = operator.total("speaker_operator_api_requests_total", code="403")
        assert refused == 0
        lines = [line for line in operator.log().splitlines() if line.endswith("}")]
        told = [json.loads(line)["message"] for line in lines]
        assert not [message for message in told if "forbidden" in message.lower()]
        for namespace in served:
            its_admin.in_namespace(namespace).delete_all(TTS_SERVICE)


def await_children(api: Api, number: int) -> None:
    eventually(
        lambda: len(owned(api)) == number and settled(api),
        within=SETTLE_TIMEOUT,
        what=f"{number} children in {api.namespace}",
    )


def test_the_operators_own_pod_is_admitted_under_the_strictest_pod_security(
    its_admin: Api, install: Installer
) -> None:
    release = install(unique_name("watched"))
    system = its_admin.in_namespace(release.system)
    metadata = {**release.pod["metadata"], "generateName": "operator-"}
    pod = {
        "apiVersion": POD.api_version,
        "kind": POD.kind,
        "metadata": metadata,
        "spec": release.pod["spec"],
    }
    assert system.create(pod, dryRun="All")["spec"]["containers"]
