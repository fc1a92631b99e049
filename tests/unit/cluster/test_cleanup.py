"""What is cleaned up: all of the cluster, and nothing else of the machine."""

from pathlib import Path

from cluster.cleanup import Machine, Plan, Process, cgroup_names, plan
from cluster.config import Config
from cluster.paths import Layout
from cluster.process import Identity

LAYOUT = Layout(Path("/state"))
NETWORK = Config.load().network
CONTAINER = "9f" * 32


def process(*argv: str, cgroups: frozenset[str] = frozenset()) -> Process:
    return Process(Identity(hash(argv) % 30000, 1, "boot"), argv, cgroups)


def planned(machine: Machine) -> Plan:
    return plan(machine, LAYOUT, NETWORK)


def test_a_clean_machine_needs_nothing() -> None:
    assert planned(Machine()).empty


def test_components_with_the_cluster_on_their_command_line_end() -> None:
    kubelet = process("/cache/kubelet", "--config=/state/config/kubelet.yaml")
    shim = process("/usr/bin/containerd-shim-runc-v2", "-address", "/state/containerd/c.sock")
    assert planned(Machine(processes=[kubelet, shim])).processes == (kubelet, shim)


def test_the_same_programs_of_another_cluster_stay() -> None:
    other = process("/usr/bin/containerd", "--config", "/etc/containerd/config.toml")
    sibling = process("/cache/kubelet", "--config=/state-of-another/kubelet.yaml")
    assert planned(Machine(processes=[other, sibling])).empty


def test_somebody_who_reads_a_log_is_left_alone() -> None:
    reader = process("tail", "-f", "/state/logs/kubelet.log")
    assert planned(Machine(processes=[reader])).empty


def test_processes_in_a_known_container_end() -> None:
    inside = process("sleep", "60", cgroups=frozenset({CONTAINER}))
    machine = Machine(processes=[inside], containers=frozenset({CONTAINER}))
    assert planned(machine).processes == (inside,)


def test_a_container_is_known_from_its_shim_when_its_folder_is_gone() -> None:
    shim = process("containerd-shim-runc-v2", "-id", CONTAINER, "-address", "/state/c.sock")
    inside = process("sleep", "60", cgroups=frozenset({CONTAINER}))
    assert planned(Machine(processes=[shim, inside])).processes == (shim, inside)


def test_containers_of_somebody_else_stay() -> None:
    inside = process("sleep", "60", cgroups=frozenset({"ab" * 32}))
    machine = Machine(processes=[inside], containers=frozenset({CONTAINER}))
    assert planned(machine).empty


def test_only_our_bridge_and_address_go() -> None:
    machine = Machine(
        links=frozenset({"lo", "eth0", "docker0", NETWORK.bridge}),
        addresses=frozenset({"127.0.0.1", NETWORK.node_address}),
    )
    assert planned(machine).links == (NETWORK.bridge,)
    assert planned(machine).addresses == (NETWORK.node_address,)


def test_tables_of_kube_proxy_go_with_the_cluster() -> None:
    tables = frozenset({("ip", "kube-proxy"), ("inet", "filter"), ("ip", NETWORK.nft_table)})
    machine = Machine(tables=tables, state_exists=True)
    assert planned(machine).tables == (("ip", "kube-proxy"), ("ip", NETWORK.nft_table))


def test_tables_of_another_kube_proxy_stay() -> None:
    assert planned(Machine(tables=frozenset({("ip", "kube-proxy")}))).empty


def test_the_folder_goes_if_it_is_there() -> None:
    assert planned(Machine(state_exists=True)).folder == LAYOUT.root


def test_kernel_settings_are_put_back() -> None:
    machine = Machine(sysctls={"net.ipv4.ip_forward": "0"})
    assert planned(machine).sysctls == (("net.ipv4.ip_forward", "0"),)


def test_the_container_of_a_process_is_the_end_of_its_control_groups_path() -> None:
    text = f"4:memory:/kubepods/burstable/pod1/{CONTAINER}\n1:name=systemd:/kubepods/x\n0::/\n"
    assert cgroup_names(text) == {CONTAINER, "x"}
