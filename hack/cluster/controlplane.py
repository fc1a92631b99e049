"""etcd and kube-apiserver: their certificates, command lines and start.

Shared by the API server for tests (``envtest``) and the whole cluster (``local``).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Self

from cluster.config import Config, NetworkSettings
from cluster.kubeconfig import Access
from cluster.paths import Layout
from cluster.pki import Authority, KeyPair, service_account_key
from cluster.process import Component, Supervisor

ADMIN = "admin"
ADMIN_GROUP = "system:masters"
FRONT_PROXY = "front-proxy-client"
ISSUER = "https://kubernetes.default.svc.cluster.local"
SERVER_AND_CLIENT = ("serverAuth", "clientAuth")

Flags = Mapping[str, str | int | bool | Path | Sequence[str]]
NO_FLAGS: Flags = MappingProxyType({})


def flag_list(flags: Flags) -> list[str]:
    """``{"a-b": True, "c": ["x", "y"]}`` as ``--a-b=true --c=x,y``."""
    return [f"--{name}={_flag_value(value)}" for name, value in flags.items()]


def _flag_value(value: str | int | bool | Path | Sequence[str]) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, int, Path)):
        return str(value)
    return ",".join(value)


@dataclass(frozen=True)
class Ports:
    """Where the two processes listen."""

    api: int = 6443
    etcd: int = 2379
    etcd_peer: int = 2380


@dataclass(frozen=True)
class Certificates:
    """Three authorities, so that none of their clients passes for another's, and what they sign."""

    authority: Authority
    etcd_authority: Authority
    front_proxy_authority: Authority
    etcd: KeyPair
    server: KeyPair
    kubelet_client: KeyPair
    front_proxy: KeyPair
    service_account: KeyPair
    admin: KeyPair

    @classmethod
    def create(cls, directory: Path, *, address: str, service_address: str) -> Self:
        """Make all of them for an API server at ``address``."""
        authority = Authority(directory, "ca").create()
        etcd_authority = Authority(directory, "etcd-ca").create()
        front_proxy_authority = Authority(directory, "front-proxy-ca").create()
        service = ["kubernetes", "default", "svc", "cluster", "local"]
        names = [".".join(service[:length]) for length in (1, 2, 3, 5)]
        return cls(
            authority,
            etcd_authority,
            front_proxy_authority,
            etcd=etcd_authority.issue(
                "etcd", user="etcd", hosts=[address], usages=SERVER_AND_CLIENT
            ),
            server=authority.issue(
                "apiserver",
                user="kube-apiserver",
                hosts=[address, "127.0.0.1", "localhost", service_address, *names],
                usages=("serverAuth",),
            ),
            kubelet_client=authority.issue(
                "apiserver-kubelet-client", user="kube-apiserver", groups=[ADMIN_GROUP]
            ),
            front_proxy=front_proxy_authority.issue(FRONT_PROXY, user=FRONT_PROXY),
            service_account=service_account_key(directory),
            admin=authority.issue(ADMIN, user=ADMIN, groups=[ADMIN_GROUP]),
        )


@dataclass(frozen=True)
class ControlPlane:
    """One etcd and one API server at ``address``, their files below ``layout.root``."""

    layout: Layout
    supervisor: Supervisor
    certificates: Certificates
    network: NetworkSettings
    address: str
    ports: Ports

    @property
    def url(self) -> str:
        """Of the API server."""
        return f"https://{self.address}:{self.ports.api}"

    @property
    def etcd_url(self) -> str:
        """Of etcd, for its clients."""
        return f"https://{self.address}:{self.ports.etcd}"

    def access(self, client: KeyPair) -> Access:
        """The API server as the owner of a client certificate."""
        return Access(self.url, self.certificates.authority.pair.certificate, client)

    def start_etcd(self, binary: Path) -> Component:
        """Start etcd; the API server waits for it by itself."""
        return self.supervisor.start("etcd", [binary, *flag_list(etcd_flags(self))])

    def start_apiserver(self, binary: Path, extra: Flags = NO_FLAGS) -> Component:
        """Start kube-apiserver with ``extra`` flags on top of the shared ones."""
        flags = {**apiserver_flags(self), **extra}
        return self.supervisor.start("kube-apiserver", [binary, *flag_list(flags)])


def etcd_flags(plane: ControlPlane) -> Flags:
    """One member that does not wait for the disk: its data need not outlive the machine."""
    peer_url = f"https://{plane.address}:{plane.ports.etcd_peer}"
    trusted = plane.certificates.etcd_authority.pair.certificate
    own = plane.certificates.etcd
    return {
        "name": "etcd",
        "data-dir": plane.layout.etcd,
        "unsafe-no-fsync": True,
        "listen-client-urls": plane.etcd_url,
        "advertise-client-urls": plane.etcd_url,
        "listen-peer-urls": peer_url,
        "initial-advertise-peer-urls": peer_url,
        "initial-cluster": f"etcd={peer_url}",
        "client-cert-auth": True,
        "trusted-ca-file": trusted,
        "cert-file": own.certificate,
        "key-file": own.key,
        "peer-client-cert-auth": True,
        "peer-trusted-ca-file": trusted,
        "peer-cert-file": own.certificate,
        "peer-key-file": own.key,
        "log-level": "warn",
    }


def apiserver_flags(plane: ControlPlane) -> Flags:
    """Node and RBAC authorization, default admission, the aggregation layer."""
    certificates = plane.certificates
    return {
        "bind-address": plane.address,
        "secure-port": plane.ports.api,
        "etcd-servers": plane.etcd_url,
        "etcd-cafile": certificates.etcd_authority.pair.certificate,
        "etcd-certfile": certificates.etcd.certificate,
        "etcd-keyfile": certificates.etcd.key,
        "client-ca-file": certificates.authority.pair.certificate,
        "tls-cert-file": certificates.server.certificate,
        "tls-private-key-file": certificates.server.key,
        "authorization-mode": ["Node", "RBAC"],
        "kubelet-client-certificate": certificates.kubelet_client.certificate,
        "kubelet-client-key": certificates.kubelet_client.key,
        "kubelet-certificate-authority": certificates.authority.pair.certificate,
        "kubelet-preferred-address-types": "InternalIP",  # the node's name is in no DNS
        "allow-privileged": True,
        "service-cluster-ip-range": plane.network.services,
        "service-account-issuer": ISSUER,
        "service-account-key-file": certificates.service_account.certificate,
        "service-account-signing-key-file": certificates.service_account.key,
        "requestheader-client-ca-file": certificates.front_proxy_authority.pair.certificate,
        "requestheader-allowed-names": FRONT_PROXY,
        "requestheader-username-headers": "X-Remote-User",
        "requestheader-group-headers": "X-Remote-Group",
        "requestheader-extra-headers-prefix": "X-Remote-Extra-",
        "proxy-client-cert-file": certificates.front_proxy.certificate,
        "proxy-client-key-file": certificates.front_proxy.key,
    }


def controller_manager_flags(config: Config, certificates: Certificates, kubeconfig: Path) -> Flags:
    """All default controllers, in a hurry."""
    return {
        "kubeconfig": kubeconfig,
        "bind-address": config.network.node_address,
        "leader-elect": False,
        "flex-volume-plugin-dir": kubeconfig.with_name("volume-plugins"),
        "use-service-account-credentials": True,
        "root-ca-file": certificates.authority.pair.certificate,
        "service-account-private-key-file": certificates.service_account.key,
        "allocate-node-cidrs": True,
        "cluster-cidr": config.network.pods,
        "service-cluster-ip-range": config.network.services,
        "kube-api-qps": config.controllers.api_qps,
        "kube-api-burst": config.controllers.api_burst,
        "horizontal-pod-autoscaler-sync-period": config.controllers.hpa_sync,
        "horizontal-pod-autoscaler-downscale-stabilization": config.controllers.hpa_stabilization,
    }


def scheduler_flags(config: Config, kubeconfig: Path) -> Flags:
    """The default scheduler, in a hurry."""
    return {
        "kubeconfig": kubeconfig,
        "bind-address": config.network.node_address,
        "leader-elect": False,
        "kube-api-qps": config.controllers.api_qps,
        "kube-api-burst": config.controllers.api_burst,
    }
