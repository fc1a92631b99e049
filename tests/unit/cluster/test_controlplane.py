"""Command lines of the control plane, and the kubeconfigs that reach it."""

import base64
import json
from pathlib import Path

from cluster.config import Config
from cluster.controlplane import (
    Certificates,
    ControlPlane,
    Flags,
    Ports,
    apiserver_flags,
    etcd_flags,
    flag_list,
)
from cluster.kubeconfig import kubeconfig
from cluster.paths import Layout
from cluster.pki import Authority, KeyPair
from cluster.process import Supervisor

ROOT = Path("/state")


def certificates() -> Certificates:
    def pair(name: str) -> KeyPair:
        return KeyPair.at(ROOT / "pki", name)

    def authority(name: str) -> Authority:
        return Authority(ROOT / "pki", name)

    return Certificates(
        authority("ca"),
        authority("etcd-ca"),
        authority("front-proxy-ca"),
        etcd=pair("etcd"),
        server=pair("server"),
        kubelet_client=pair("kubelet-client"),
        front_proxy=pair("front-proxy"),
        service_account=pair("sa"),
        admin=pair("admin"),
    )


def control_plane() -> ControlPlane:
    layout = Layout(ROOT)
    supervisor = Supervisor(layout.processes, layout.logs)
    network = Config.load().network
    return ControlPlane(layout, supervisor, certificates(), network, "10.0.0.1", Ports(1, 2, 3))


def test_flags_are_written_as_the_components_read_them() -> None:
    flags: Flags = {"a": True, "b": False, "c": 3, "d": "x", "e": ["x", "y"], "f": Path("/p")}
    assert flag_list(flags) == ["--a=true", "--b=false", "--c=3", "--d=x", "--e=x,y", "--f=/p"]


def test_etcd_does_not_wait_for_the_disk() -> None:
    assert "--unsafe-no-fsync=true" in flag_list(etcd_flags(control_plane()))


def test_etcd_admits_only_clients_of_its_own_authority() -> None:
    flags = etcd_flags(control_plane())
    assert flags["client-cert-auth"] is True
    assert flags["trusted-ca-file"] == ROOT / "pki" / "etcd-ca.crt"


def test_the_api_server_listens_at_the_address_only() -> None:
    flags = apiserver_flags(control_plane())
    assert (flags["bind-address"], flags["secure-port"]) == ("10.0.0.1", 1)


def test_the_aggregation_layer_trusts_an_authority_of_its_own() -> None:
    flags = apiserver_flags(control_plane())
    assert flags["requestheader-client-ca-file"] == ROOT / "pki" / "front-proxy-ca.crt"
    assert flags["client-ca-file"] == ROOT / "pki" / "ca.crt"


def test_default_admission_is_left_alone() -> None:
    assert not [name for name in apiserver_flags(control_plane()) if "admission" in name]


def test_a_kubeconfig_needs_no_other_file() -> None:
    text = kubeconfig(url="https://a:1", authority=b"A", certificate=b"C", key=b"K", user="jane")
    document = json.loads(text)
    assert document["current-context"] == "jane"
    user = document["users"][0]["user"]
    assert base64.b64decode(user["client-key-data"]) == b"K"
    assert base64.b64decode(user["client-certificate-data"]) == b"C"
    cluster = document["clusters"][0]["cluster"]
    assert cluster["server"] == "https://a:1"
    assert base64.b64decode(cluster["certificate-authority-data"]) == b"A"


def test_the_paths_of_sockets_fit_into_108_bytes() -> None:
    layout = Layout(Path(Config.load().node.state))
    sockets = [
        layout.containerd_socket.with_name("c.sock.ttrpc"),
        layout.kubelet / "pod-resources" / "kubelet.sock",
        layout.kubelet / "plugins_registry" / "some-device-plugin-registration.sock",
    ]
    assert all(len(str(path)) < 108 for path in sockets)
