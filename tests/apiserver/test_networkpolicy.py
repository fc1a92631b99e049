"""What the rendered network policies let through, tried with packets.

The API server checks the policy, nftables enforces it between network namespaces that stand for
pods. Enforcement in a whole cluster is tried in ``tests/e2e``.
"""

import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace

import pytest

from cluster.config import Config
from speaker_operator.api.admission import admit
from speaker_operator.api.v1alpha1 import TTSService
from speaker_operator.kube.resources import NETWORK_POLICY, POD
from speaker_operator.render.labels import OPERATOR_LABELS, child_labels
from speaker_operator.render.networkpolicy import network_policy
from tests.apiserver.api import NAMESPACE, Api, Json, service, unique_name
from tests.apiserver.networks import PREFIX, Pod, network
from tests.support.netpolicy import Cluster, ruleset
from tests.unit.speaker_operator.factories import SETTINGS

pytestmark = pytest.mark.apiserver

HTTP, DNS, OTHER = 8080, 53, 9999
CLIENTS = {"podSelector": {"matchLabels": {"role": "client"}}}


def addressed(number: int) -> str:
    return f"198.18.128.{number}"


class World:
    """A namespace with a service and its neighbours, and the operator's namespace."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._operators = unique_name("operators")
        api.create_namespace(self._operators, {})
        self.table = Config.load().network.policy_table
        self.speech = Pod("speech", addressed(11))
        self.client = Pod("client", addressed(12))
        self.stranger = Pod("stranger", addressed(13))
        self.operator = Pod("operator", addressed(14))
        self.dns = Pod("dns", addressed(15))
        spoken = service_of(api, {})
        self._declare(api, self.speech, child_labels(spoken), port=HTTP)
        self._declare(api, self.client, {"role": "client"})
        self._declare(api, self.stranger, {"role": "other"})
        operators = api.in_namespace(self._operators)
        self._declare(operators, self.operator, dict(OPERATOR_LABELS))
        self._declare(operators, self.dns, {"role": "client"})

    @property
    def pods(self) -> list[Pod]:
        return [self.speech, self.client, self.stranger, self.operator, self.dns]

    def guard(self, **policy: Json | list[Json]) -> None:
        """Make the policy that the operator would make, and enforce what the API server took."""
        of = service_of(self._api, {"enabled": True, **policy})
        settings = replace(SETTINGS, operator_namespace=self._operators)
        self._api.create_of(NETWORK_POLICY, network_policy(of, settings), fieldValidation="Strict")
        pods = [*self._api.list(POD), *self._api.in_namespace(self._operators).list(POD)]
        namespaces = self._api.in_namespace("").list(NAMESPACE)
        cluster = Cluster.read(pods, namespaces, self._api.list(NETWORK_POLICY))
        nft(ruleset(cluster, self.table, f"{PREFIX}*"))

    def let_everybody(self) -> None:
        nft(f"table ip {self.table}\ndelete table ip {self.table}\n")

    def who_gets_speech(self) -> set[str]:
        asking = {
            "client": self.client,
            "stranger": self.stranger,
            "operator": self.operator,
            "visitor": self.dns,
        }
        return {name for name, pod in asking.items() if pod.reaches(self.speech, HTTP)}

    def _declare(self, api: Api, pod: Pod, labels: dict[str, str], port: int | None = None) -> None:
        ports = [] if port is None else [{"name": "http", "containerPort": port}]
        name = unique_name("pod")
        api.create(
            {
                "apiVersion": POD.api_version,
                "kind": POD.kind,
                "metadata": {"name": name, "labels": labels},
                "spec": {"containers": [{"name": "main", "image": "none", "ports": ports}]},
            }
        )
        ips = [{"ip": pod.address}]
        api.patch_status(POD, name, phase="Running", podIP=pod.address, podIPs=ips)


def service_of(api: Api, policy: Json) -> TTSService:
    manifest = service(networkPolicy=policy)
    manifest["metadata"] |= {"namespace": api.namespace, "uid": "none"}
    admitted = admit(manifest)
    assert isinstance(admitted, TTSService)
    return admitted


def nft(text: str) -> None:
    subprocess.run(["nft", "-f", "-"], input=text, text=True, check=True)


@pytest.fixture
def world(admin: Api) -> Iterator[World]:
    if os.geteuid() != 0:
        pytest.skip("making network namespaces takes root")
    api = admin.in_namespace(unique_name("speech"))
    api.create_namespace(api.namespace, {})
    world = World(api)
    servers = [(world.speech, HTTP), (world.speech, OTHER), (world.dns, DNS), (world.dns, HTTP)]
    with ExitStack() as stack:
        stack.callback(world.let_everybody)
        stack.enter_context(network(world.pods, servers))
        yield world


def test_who_is_listed_gets_speech_and_nothing_else_and_the_operator_always_does(
    world: World,
) -> None:
    assert world.who_gets_speech() == {"client", "stranger", "operator", "visitor"}, "no policy"
    world.guard(allowFrom=[CLIENTS])
    assert world.who_gets_speech() == {"client", "operator"}
    assert not world.client.reaches(world.speech, OTHER), "no other port is open"
    assert world.speech.reaches(world.dns, HTTP), "the pods themselves may talk to everybody"


def test_pods_that_may_talk_to_nobody_can_still_look_names_up(world: World) -> None:
    world.guard(allowTo=[])
    assert world.who_gets_speech() == {"client", "stranger", "operator"}, "the own namespace"
    assert world.speech.reaches(world.dns, DNS)
    assert not world.speech.reaches(world.dns, HTTP)


def test_pods_reach_the_addresses_that_are_listed(world: World) -> None:
    block = {"ipBlock": {"cidr": "198.18.128.0/24", "except": ["198.18.128.12/32"]}}
    world.guard(allowTo=[block], allowFrom=[])
    assert world.speech.reaches(world.dns, HTTP)
    assert world.who_gets_speech() == {"operator"}, "an empty list lets nobody else in"
