"""Enforce the cluster's NetworkPolicies with nftables, where its network plugin does not.

The cluster without Docker has a bridge, which enforces nothing; kind's network plugin does.
"""

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2

from cluster.config import Config
from tests.support.kubernetes import Kubectl
from tests.support.netpolicy import Cluster, ruleset

CYCLE_SECONDS = 0.2
STOP_TIMEOUT = 10
PATHS = ("/api/v1/pods", "/api/v1/namespaces", "/apis/networking.k8s.io/v1/networkpolicies")


@contextmanager
def enforced_policies(kubectl: Kubectl) -> Iterator[None]:
    """The policies hold while the context is open."""
    with _proxy(kubectl) as url, httpx2.Client(base_url=url, timeout=10) as api:
        enforcer = _Enforcer(api)
        enforcer.renew()
        thread = threading.Thread(target=enforcer.run)
        thread.start()
        try:
            yield
            assert enforcer.trouble is None, enforcer.trouble
        finally:
            enforcer.stopped.set()
            thread.join(STOP_TIMEOUT)
            _nft(f"delete table ip {enforcer.table}\n")


class _Enforcer:
    """Keeps the table in step with the API server."""

    def __init__(self, api: httpx2.Client) -> None:
        network = Config.load().network
        self.table = network.policy_table
        self.stopped = threading.Event()
        self.trouble: Exception | None = None
        self._bridge = network.bridge
        self._api = api
        self._current = ""

    def run(self) -> None:
        """Renew the table until stopped; what went wrong is kept for the test to tell."""
        while not self.stopped.wait(CYCLE_SECONDS):
            try:
                self.renew()
            except (httpx2.HTTPError, subprocess.CalledProcessError, KeyError) as error:
                self.trouble = error
                return

    def renew(self) -> None:
        listed = [self._api.get(path).raise_for_status().json()["items"] for path in PATHS]
        text = ruleset(Cluster.read(*listed), self.table, self._bridge)
        if text != self._current:
            _nft(text)
            self._current = text


def _nft(text: str) -> None:
    subprocess.run(["nft", "-f", "-"], input=text, text=True, capture_output=True, check=True)


@contextmanager
def _proxy(kubectl: Kubectl) -> Iterator[str]:
    """The API server over plain HTTP, as the admin."""
    command: list[Any] = [kubectl.binary, "--kubeconfig", kubectl.kubeconfig, "proxy", "--port=0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()  # "Starting to serve on 127.0.0.1:PORT"
        yield f"http://{line.split()[-1]}"
    finally:
        process.kill()
        process.communicate()
