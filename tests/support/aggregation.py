"""Put a server of this machine behind an API server, as a part of its API."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cluster.pki import Authority, KeyPair

NAMESPACE = "extensions"
HOST = "localhost"
SERVER_AND_CLIENT = ("serverAuth", "clientAuth")


@dataclass(frozen=True)
class Extension:
    """One group and version of the API that another server answers for."""

    group: str
    version: str

    @property
    def name(self) -> str:
        """Of its APIService."""
        return f"{self.version}.{self.group}"

    @property
    def service(self) -> str:
        """Where the API server looks for it."""
        return self.group.replace(".", "-")

    def certify(self, folder: Path, usages: Sequence[str] = ("serverAuth",)) -> "Certified":
        """Make an authority, and the certificate by which the API server knows the server."""
        authority = Authority(folder, "authority").create()
        hosts = [HOST, f"{self.service}.{NAMESPACE}.svc"]
        return Certified(
            self, authority, authority.issue("tls", user=self.service, hosts=hosts, usages=usages)
        )


@dataclass(frozen=True)
class Certified:
    """An extension with its certificates."""

    extension: Extension
    authority: Authority
    pair: KeyPair

    def manifests(self, port: int) -> list[dict[str, Any]]:
        """Have the API server ask the server at a port of its own machine."""
        extension = self.extension
        authority = self.authority.pair.certificate.read_bytes()
        return [
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}},
            {
                "apiVersion": "v1",
                "kind": "Service",
                "metadata": {"name": extension.service, "namespace": NAMESPACE},
                "spec": {"type": "ExternalName", "externalName": HOST},
            },
            {
                "apiVersion": "apiregistration.k8s.io/v1",
                "kind": "APIService",
                "metadata": {"name": extension.name},
                "spec": {
                    "service": {"name": extension.service, "namespace": NAMESPACE, "port": port},
                    "group": extension.group,
                    "version": extension.version,
                    "groupPriorityMinimum": 100,
                    "versionPriority": 100,
                    "caBundle": base64.b64encode(authority).decode(),
                },
            },
        ]
