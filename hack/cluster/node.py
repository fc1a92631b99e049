"""The node: containerd and the kubelet, their configuration and command lines."""

from pathlib import Path

from cluster.commands import run
from cluster.config import Config
from cluster.controlplane import Flags
from cluster.network import write_cni_config
from cluster.paths import Layout, write_private
from cluster.pki import KeyPair
from cluster.templates import render


def write_containerd_config(config: Config, layout: Layout) -> Path:
    """Write containerd's configuration: everything of it stays below the cluster's folder."""
    text = render(
        "containerd.toml",
        root=layout.containerd / "root",
        state=layout.containerd / "state",
        socket=layout.containerd_socket,
        sandbox_image=config.images.busybox,
        cni_plugins=config.node.cni_plugins,
        cni_config=write_cni_config(config, layout),
    )
    return write_private(layout.config / "containerd.toml", text)


def write_kubelet_config(
    config: Config, layout: Layout, *, authority: Path, serving: KeyPair
) -> Path:
    """Write the kubelet's configuration.

    Args:
        config: Of the cluster.
        layout: Of the cluster.
        authority: Certificate that signs the kubelet's clients.
        serving: What the kubelet shows to its clients.
    """
    text = render(
        "kubelet.yaml",
        address=config.network.node_address,
        socket=layout.containerd_socket,
        authority=authority,
        certificate=serving.certificate,
        key=serving.key,
        domain=config.network.domain,
        dns_service=config.network.dns_service,
        pod_logs=layout.root / "pods",
        volume_plugins=layout.config / "volume-plugins",
    )
    return write_private(layout.config / "kubelet.yaml", text)


def kubelet_flags(config: Config, layout: Layout, *, config_file: Path, kubeconfig: Path) -> Flags:
    """What the kubelet takes on its command line only."""
    return {
        "config": config_file,
        "kubeconfig": kubeconfig,
        "root-dir": layout.kubelet,
        "cert-dir": layout.kubelet / "pki",
        "hostname-override": config.node.name,
        "node-ip": config.network.node_address,
    }


def ctr(layout: Layout, *args: str, timeout: float) -> str:
    """Run containerd's own client on the images and containers of Kubernetes."""
    socket = str(layout.containerd_socket)
    return run(["ctr", "--address", socket, "--namespace", "k8s.io", *args], timeout=timeout)
