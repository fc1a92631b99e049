"""The network policies of services, enforced: who gets speech, and whom the pods may talk to."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from cluster.cli import choose
from cluster.config import Config
from cluster.local import LocalCluster
from tests.e2e.client_pod import PYTHON, Client
from tests.e2e.conftest import DELETION_TIMEOUT, RESTRICTED
from tests.e2e.enforcer import enforced_policies
from tests.support.kubernetes import Kubectl, condition, eventually, is_ready

pytestmark = pytest.mark.e2e

READY_TIMEOUT = 120
POLICY_TIMEOUT = 15
VOICE_TIMEOUT = 15
CLIENTS = {"podSelector": {"matchLabels": {"role": "client"}}}
SPEECH = {"model": "tts-1", "voice": "alloy", "input": "Hello."}
LOOK_UP = """
import json, socket, sys
try:
    known = bool(socket.getaddrinfo(sys.argv[1], 80))
except socket.gaierror:
    known = False
try:
    socket.create_connection((sys.argv[2], int(sys.argv[3])), timeout=3).close()
    reached = True
except OSError:
    reached = False
print(json.dumps([known, reached]))
"""


@pytest.fixture(scope="module", autouse=True)
def enforced(kubectl: Kubectl) -> Iterator[None]:
    if isinstance(choose(Config.load()), LocalCluster):
        with enforced_policies(kubectl):
            yield
    else:
        yield  # kind's own network plugin does


@pytest.fixture(scope="module")
def elsewhere(kubectl: Kubectl) -> Iterator[Kubectl]:
    """Another namespace."""
    name = f"{kubectl.namespace}-other"
    metadata = {"name": name, "labels": RESTRICTED}
    kubectl.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
    yield kubectl.in_namespace(name)
    kubectl("delete", "namespace", name, "--wait", timeout=DELETION_TIMEOUT)


@pytest.fixture(scope="module")
def url(kubectl: Kubectl) -> str:
    """Address of a service that guards nothing yet."""
    declare(kubectl, "TTSService", "guarded", {"backend": "hibari"})
    found = await_ready(kubectl)
    return f"{found['status']['url']}/v1/audio/speech"


@pytest.fixture(scope="module")
def client(kubectl: Kubectl, url: str) -> Client:
    return Client(kubectl, "client", role="client").await_running()


@pytest.fixture(scope="module")
def stranger(kubectl: Kubectl, url: str) -> Client:
    return Client(kubectl, "stranger").await_running()


@pytest.fixture(scope="module")
def visitor(elsewhere: Kubectl, url: str) -> Client:
    """It has the client's label, in another namespace."""
    return Client(elsewhere, "visitor", role="client").await_running()


def declare(kubectl: Kubectl, kind: str, name: str, spec: dict[str, Any]) -> None:
    api_version = "speaker-tts.dev/v1alpha1"
    kubectl.apply(
        {"apiVersion": api_version, "kind": kind, "metadata": {"name": name}, "spec": spec}
    )


def await_ready(kubectl: Kubectl) -> dict[str, Any]:
    def ready() -> dict[str, Any] | None:
        found = kubectl.get("ttsservice", "guarded")
        return found if is_ready(found) else None

    return eventually(ready, within=READY_TIMEOUT, what="guarded is Ready")


def hears(client: Client, url: str) -> bool:
    """Whether a client gets speech; without a connection it does not."""
    answer = client.post(url, SPEECH)
    if answer is None:
        return False
    status, audio = answer
    assert status == 200, audio[:300]
    return len(audio) > 1000


def test_without_a_policy_everybody_gets_speech(
    url: str, client: Client, stranger: Client, visitor: Client
) -> None:
    assert hears(client, url)
    assert hears(stranger, url)
    assert hears(visitor, url)


def test_only_who_is_listed_gets_speech(
    kubectl: Kubectl, url: str, client: Client, stranger: Client, visitor: Client
) -> None:
    policy = {"enabled": True, "allowFrom": [CLIENTS], "allowTo": []}
    kubectl.patch("ttsservice", "guarded", {"spec": {"networkPolicy": policy}})
    eventually(
        lambda: not hears(stranger, url), within=POLICY_TIMEOUT, what="a stranger is kept out"
    )
    assert not hears(visitor, url), "the label counts in the service's namespace alone"
    assert hears(client, url)


def test_the_operator_still_reaches_the_pods_with_new_voices(
    kubectl: Kubectl, url: str, client: Client
) -> None:
    declare(kubectl, "Voice", "added", {"preset": "heart", "languages": ["en"]})
    eventually(
        lambda: is_ready(kubectl.get("voice", "added")),
        within=VOICE_TIMEOUT,
        what="the added voice is Ready",
    )
    answer = client.post(url, {**SPEECH, "voice": "added"})
    assert answer is not None
    assert answer[0] == 200, answer[1][:300]


def test_the_pods_themselves_reach_the_clusters_dns_and_nobody_else(
    kubectl: Kubectl, url: str
) -> None:
    def from_the_pod() -> list[bool]:
        host = url.split("/")[2]
        api = (kubectl.in_namespace("default").get("service", "kubernetes") or {})["spec"]
        words = ["exec", "deploy/guarded", "-c", "runtime", "--", PYTHON, "-c", LOOK_UP]
        shown = kubectl(*words, host, api["clusterIP"], "443")
        found: list[bool] = json.loads(shown.splitlines()[-1])
        return found

    assert from_the_pod() == [True, False]
    kubectl.patch("ttsservice", "guarded", {"spec": {"networkPolicy": {"allowTo": None}}})
    eventually(
        lambda: from_the_pod() == [True, True],
        within=POLICY_TIMEOUT,
        what="without a list the pods may talk to everybody",
    )


def test_a_policy_that_is_turned_off_lets_everybody_in_again(
    kubectl: Kubectl, url: str, stranger: Client
) -> None:
    kubectl.patch("ttsservice", "guarded", {"spec": {"networkPolicy": {"enabled": False}}})
    eventually(lambda: hears(stranger, url), within=POLICY_TIMEOUT, what="a stranger is let in")
    assert condition(await_ready(kubectl), "Available")["status"] == "True"
