"""The node's network: its address, routes, masquerading, the pods' bridge and kube-proxy."""

import json
from pathlib import Path

from cluster.commands import run, succeeds
from cluster.config import Config
from cluster.controlplane import Flags
from cluster.errors import Unavailable
from cluster.paths import Layout, write_private
from cluster.templates import render

KERNEL_MODULES = ("br_netfilter", "overlay")
SYSCTLS = {"net.ipv4.ip_forward": "1", "net.bridge.bridge-nf-call-iptables": "1"}


def prepare(config: Config, layout: Layout) -> None:
    """Give the node an address that pods can reach, and let them out.

    Services get a route of their own, so that the node reaches them without a default route. What
    was changed of the kernel's settings is noted in ``sysctls.json`` and put back by the clean-up.

    Raises:
        Unavailable: The kernel can't filter what crosses a bridge.
    """
    network = config.network
    for module in KERNEL_MODULES:
        succeeds(["modprobe", "--quiet", module])  # it may be built in instead
    before = {name: read_sysctl(name) for name in SYSCTLS}
    if None in before.values():
        raise Unavailable("the kernel lacks br_netfilter, without which Services fail: use Docker")
    write_private(sysctl_record(layout), json.dumps(before))
    for name, value in SYSCTLS.items():
        sysctl_file(name).write_text(value)
    run(["ip", "address", "replace", f"{network.node_address}/32", "dev", "lo"])
    route = ["dev", "lo", "src", network.node_address]
    run(["ip", "route", "replace", network.services, *route])
    rules = render(
        "masquerade.nft", table=network.nft_table, pods=network.pods, range=network.range
    )
    run(["nft", "-f", "-"], text=rules)


def sysctl_record(layout: Layout) -> Path:
    """Where the kernel's former settings are noted."""
    return layout.root / "sysctls.json"


def sysctl_file(name: str) -> Path:
    """The file that shows and sets a kernel setting."""
    return Path("/proc/sys") / name.replace(".", "/")


def read_sysctl(name: str) -> str | None:
    """A kernel setting, or None where the kernel has no such setting (yet)."""
    file = sysctl_file(name)
    return file.read_text().strip() if file.exists() else None


def write_cni_config(config: Config, layout: Layout) -> Path:
    """Write the network of pods: a bridge, addresses from the node's range. Returns its folder."""
    folder = layout.cni / "conf"
    text = render(
        "cni.json",
        bridge=config.network.bridge,
        leases=layout.cni / "leases",
        node_pods=config.network.node_pods,
    )
    write_private(folder / "10-speaker-tts.conflist", text)
    return folder


def kube_proxy_flags(config: Config, kubeconfig: Path) -> Flags:
    """Services through nftables; connection tracking stays as the machine has it."""
    return {
        "kubeconfig": kubeconfig,
        "proxy-mode": "nftables",
        "hostname-override": config.node.name,
        "cluster-cidr": config.network.pods,
        "healthz-bind-address": f"{config.network.node_address}:10256",
        "metrics-bind-address": f"{config.network.node_address}:10249",
        "conntrack-max-per-core": 0,
        "conntrack-min": 0,
        "oom-score-adj": 0,
    }
