"""Remove every trace of the cluster from the machine, however it ended.

``observe`` looks at the machine, ``plan`` decides (it is pure), ``execute`` acts. Nothing depends
on the cluster having been stopped in order: all its parts are disposable, so they are killed, and
the same path cleans up after ``down``, a crash, or a kill of everything.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from cluster.commands import run, succeeds
from cluster.config import Config, NetworkSettings
from cluster.mounts import discard_tree, is_below
from cluster.network import sysctl_file, sysctl_record
from cluster.paths import Layout
from cluster.process import PROC, Identity
from cluster.progress import step
from cluster.waiting import until

COMPONENTS = {
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kubelet",
    "kube-proxy",
    "local-path-provisioner",
    "containerd",
    "containerd-shim-runc-v2",
    "runc",
}
CONTAINER_LOG_LINKS = Path("/var/log/containers")
CNI_RESULTS = Path("/var/lib/cni/results")
KUBELET_SOCKET = Path("/var/lib/kubelet/device-plugins/kubelet.sock")
"""The one thing that the kubelet keeps outside of the folder it is told to use."""
CGROUPS = Path("/sys/fs/cgroup")
POD_CGROUP = "kubepods"
KUBE_PROXY_TABLES = (("ip", "kube-proxy"), ("ip6", "kube-proxy"))


@dataclass(frozen=True)
class Process:
    """A running process: its command line and the last parts of its control groups' paths."""

    identity: Identity
    argv: tuple[str, ...]
    cgroups: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Machine:
    """What of the cluster, or like it, was seen on the machine."""

    processes: Sequence[Process] = ()
    containers: frozenset[str] = frozenset()
    links: frozenset[str] = frozenset()
    addresses: frozenset[str] = frozenset()
    tables: frozenset[tuple[str, str]] = frozenset()
    files: Sequence[Path] = ()
    sysctls: dict[str, str] = field(default_factory=dict)
    state_exists: bool = False


@dataclass(frozen=True)
class Plan:
    """What is to be removed, in the order of the fields."""

    processes: tuple[Process, ...] = ()
    links: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    tables: tuple[tuple[str, str], ...] = ()
    files: tuple[Path, ...] = ()
    sysctls: tuple[tuple[str, str], ...] = ()
    folder: Path | None = None

    @property
    def empty(self) -> bool:
        """Whether nothing of the cluster is left."""
        return self == Plan()


def plan(machine: Machine, layout: Layout, network: NetworkSettings) -> Plan:
    """Decide what belongs to the cluster of ``layout`` and has to go.

    A process belongs to it if it is one of the cluster's programs with the cluster's folder on its
    command line, or if it runs in the control group of one of its containers.
    """
    root = str(layout.root)
    containers = machine.containers | {
        name for p in machine.processes if _is_component(p, root) for name in _container_ids(p)
    }
    ours = machine.state_exists or network.bridge in machine.links
    own = {("ip", network.nft_table), ("ip", network.policy_table)}
    tables = own | (set(KUBE_PROXY_TABLES) if ours else set())
    return Plan(
        processes=tuple(
            process
            for process in machine.processes
            if _is_component(process, root) or process.cgroups & containers
        ),
        links=tuple(sorted(machine.links & {network.bridge})),
        addresses=tuple(sorted(machine.addresses & {network.node_address})),
        tables=tuple(sorted(machine.tables & tables)),
        files=tuple(machine.files),
        sysctls=tuple(sorted(machine.sysctls.items())),
        folder=layout.root if machine.state_exists else None,
    )


def observe(layout: Layout) -> Machine:
    """Look at the machine."""
    containers = _children(layout.bundles)
    return Machine(
        processes=processes(),
        containers=frozenset(path.name for path in containers),
        links=frozenset(link["ifname"] for link in _ip("link")),
        addresses=frozenset(
            address["local"]
            for link in _ip("address", "show", "dev", "lo")
            for address in link["addr_info"]
        ),
        tables=_nft_tables(),
        files=[
            *_shim_sockets(containers),
            *(link for link in _children(CONTAINER_LOG_LINKS) if _points_below(link, layout.root)),
            *(p for p in _children(CNI_RESULTS) if f"{layout.root}/" in p.read_text()),
            *([KUBELET_SOCKET] if layout.kubelet.exists() and KUBELET_SOCKET.exists() else []),
        ],
        sysctls=_changed_sysctls(layout),
        state_exists=layout.root.exists(),
    )


def clean(config: Config, layout: Layout) -> None:
    """Remove everything of the cluster; what can't be removed is an error.

    Raises:
        ClusterError: Something is still mounted below the cluster's folder.
        Timeout: A process does not end.
    """
    todo = plan(observe(layout), layout, config.network)
    if todo.processes:
        with step(f"{len(todo.processes)} processes ended"):
            _end_processes(config, layout)
        todo = plan(observe(layout), layout, config.network)
    execute(todo)


def execute(todo: Plan) -> None:
    """Remove what is not a process."""
    for link in todo.links:
        run(["ip", "link", "delete", link])
    for address in todo.addresses:
        run(["ip", "address", "delete", f"{address}/32", "dev", "lo"])
    for family, table in todo.tables:
        run(["nft", "delete", "table", family, table])
    for file in todo.files:
        file.unlink(missing_ok=True)
        _remove_if_empty(file.parent)
    for name, value in todo.sysctls:
        sysctl_file(name).write_text(value)
    _remove_cgroups()
    if todo.folder:
        discard_tree(todo.folder)


def _remove_if_empty(folder: Path) -> None:
    """Remove a folder outside of the cluster's own, and its parent, unless others use them."""
    for path in (folder, folder.parent):
        if path.exists() and not any(path.iterdir()):
            path.rmdir()


def _end_processes(config: Config, layout: Layout) -> None:
    """Kill until a look finds none: a supervisor may start another between look and kill."""

    def none_left() -> bool:
        found = plan(observe(layout), layout, config.network).processes
        for process in found:
            process.identity.kill()
            process.identity.reap()
        return not found

    until(none_left, what="the end of the cluster's processes", timeout=config.timeouts.stop)


def _is_component(process: Process, root: str) -> bool:
    if not process.argv or PurePosixPath(process.argv[0]).name not in COMPONENTS:
        return False
    return any(root == word or f"{root}/" in word for word in process.argv)


def _container_ids(process: Process) -> list[str]:
    """The id on a shim's command line: its container's folder may be gone already."""
    words = process.argv
    return [words[i + 1] for i, word in enumerate(words[:-1]) if word == "-id"]


def processes() -> list[Process]:
    """Every process that this user may look at, with its command line."""
    found = []
    for folder in PROC.glob("[0-9]*"):
        try:
            argv = (folder / "cmdline").read_text(errors="replace").split("\0")[:-1]
            cgroups = (folder / "cgroup").read_text()
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue  # it ended meanwhile, or is somebody else's
        identity = Identity.of(int(folder.name))
        if identity and identity.alive():
            found.append(Process(identity, tuple(argv), cgroup_names(cgroups)))
    return found


def cgroup_names(text: str) -> frozenset[str]:
    """The last part of each path in ``/proc/PID/cgroup``: a container's id, if it is in one."""
    return frozenset(line.rpartition("/")[2] for line in text.splitlines() if "/" in line) - {""}


def _children(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _points_below(link: Path, root: Path) -> bool:
    return link.is_symlink() and is_below(str(link.readlink()), str(root))


def _shim_sockets(containers: Sequence[Path]) -> list[Path]:
    """Sockets of shims, which containerd keeps outside of its own folders."""
    addresses = [(bundle / "address") for bundle in containers]
    found = {a.read_text().removeprefix("unix://") for a in addresses if a.exists()}
    return [Path(path) for path in sorted(found)]


def _ip(*args: str) -> list[dict[str, Any]]:
    parsed: list[dict[str, Any]] = json.loads(run(["ip", "-json", *args]) or "[]")
    return parsed


def _nft_tables() -> frozenset[tuple[str, str]]:
    if not succeeds(["nft", "--version"]):
        return frozenset()
    entries = json.loads(run(["nft", "-j", "list", "tables"]))["nftables"]
    tables = (entry["table"] for entry in entries if "table" in entry)
    return frozenset((table["family"], table["name"]) for table in tables)


def _changed_sysctls(layout: Layout) -> dict[str, str]:
    record = sysctl_record(layout)
    before = json.loads(record.read_text()) if record.exists() else {}
    return {name: value for name, value in before.items() if value is not None}


def _remove_cgroups() -> None:
    """Remove the pods' control groups that hold no process any more."""
    folders = [p for p in CGROUPS.glob(f"**/{POD_CGROUP}") if p.is_dir()]
    for top in folders:
        below = [p for p in top.glob("**/") if p != top]
        for folder in [*sorted(below, key=lambda p: len(p.parts), reverse=True), top]:
            try:
                folder.rmdir()
            except OSError:
                break  # somebody else's pods run in it
