"""The cluster without Docker: control plane and node as processes of this machine."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from cluster import dns, gpu, storage
from cluster.archive import ScratchImage, without_layers
from cluster.binaries import Binaries, build_key
from cluster.cleanup import clean
from cluster.commands import run
from cluster.config import Config
from cluster.controlplane import (
    ADMIN,
    Certificates,
    ControlPlane,
    Flags,
    Ports,
    controller_manager_flags,
    flag_list,
    scheduler_flags,
)
from cluster.errors import ClusterError, CommandFailed, Unavailable
from cluster.kubeconfig import Access
from cluster.network import kube_proxy_flags, prepare
from cluster.node import (
    ctr,
    kubelet_flags,
    write_containerd_config,
    write_kubelet_config,
)
from cluster.paths import Layout, write_private
from cluster.pki import Authority, KeyPair
from cluster.process import Component, Supervisor
from cluster.progress import note, step
from cluster.provider import Kubectl
from cluster.waiting import until

BUSYBOX = Path("/bin/busybox")
SYSTEM = "system:"


class LocalCluster:
    """etcd, the Kubernetes components and containerd, started by hand."""

    name: ClassVar[str] = "processes of this machine"
    group: ClassVar[str] = "cluster"

    def __init__(self, config: Config) -> None:
        self._config = config
        self._layout = Layout(Path(config.node.state))
        self._binaries = Binaries.of_user(config)
        self._supervisor = Supervisor(self._layout.processes, self._layout.logs)

    def running(self) -> bool:
        """Whether a start succeeded, all its processes live and the node is Ready."""
        if not self._layout.ready.exists():
            return False
        require_root()
        if dead := [c.name for c in self._supervisor.started() if not c.alive()]:
            note(f"{', '.join(dead)} ended since the cluster was started")
            return False
        try:
            until(self._node_ready, what="the node", timeout=self._config.timeouts.component / 2)
        except ClusterError as error:
            note(str(error))
            return False
        if json.loads(self._layout.ready.read_text()) != self._versions():
            note("it was started with other versions than these; `down` and `up` renew it")
        return True

    def up(self) -> None:
        """Start it afresh.

        Raises:
            Unavailable: Not root, or a Debian package is missing.
            ComponentFailed: A process did not start.
        """
        require_root()
        self._binaries.ensure(self._config.tools_of(self.group))
        with step("clean machine"):
            clean(self._config, self._layout)
        with step("network and keys"):
            prepare(self._config, self._layout)
            plane = self._control_plane()
        with step("API server, containerd, system images"):
            self._start_api(plane)
        kubectl = Kubectl(self._config, self._layout.admin_kubeconfig)
        with step("controllers, scheduler, kubelet, proxy"):
            self._start_rest(plane)
            kubectl.apply(dns.manifests(self._config))
            self._start_storage(kubectl)
            until(self._node_ready, what="a Ready node", timeout=self._config.timeouts.node)
            patch = gpu.claim_patch(self._config.node.gpus)
            node = ["patch", "node", self._config.node.name, "--subresource=status"]
            kubectl(*node, "--type=json", f"--patch={patch}")
        with step("DNS"):
            self._await_dns()
        self._check_all()
        write_private(self._layout.ready, json.dumps(self._versions()))

    def down(self) -> None:
        """End and remove everything of it."""
        require_root()
        with step("nothing left of it"):
            clean(self._config, self._layout)

    def kubeconfig(self) -> str:
        """The cluster-admin's kubeconfig."""
        return self._layout.admin_kubeconfig.read_text()

    def load(self, archive: Path) -> None:
        """Import the image of an archive into containerd, without the layers that it has."""
        present = self._ctr("content", "ls", "-q").split()
        thin = archive.with_name(f"{archive.name}.thin")
        try:
            without_layers(archive, thin, present)
            self._ctr("images", "import", str(thin))
        except CommandFailed:  # a layer was collected as garbage meanwhile
            self._ctr("images", "import", str(archive))
        finally:
            thin.unlink(missing_ok=True)

    def images(self) -> frozenset[str]:
        """Names of the images that containerd has."""
        return frozenset(self._ctr("images", "ls", "-q").split())

    def parts(self) -> list[str]:
        """A line per process: name, state, pid and memory."""
        return [describe(component) for component in self._supervisor.started()]

    def _ctr(self, *args: str) -> str:
        return ctr(self._layout, *args, timeout=self._config.timeouts.image)

    def _control_plane(self) -> ControlPlane:
        address = self._config.network.node_address
        certificates = Certificates.create(
            self._layout.pki,
            address=address,
            service_address=self._config.network.api_service,
        )
        return ControlPlane(
            self._layout,
            self._supervisor,
            certificates,
            self._config.network,
            address,
            Ports(),
        )

    def _start_api(self, plane: ControlPlane) -> None:
        """Start etcd and the API server, and use the time until they answer for containerd."""
        access = plane.access(plane.certificates.admin)
        access.write(self._layout.admin_kubeconfig, user=ADMIN)
        plane.start_etcd(self._binaries.path("etcd"))
        server = plane.start_apiserver(self._binaries.path("kube-apiserver"))
        config_file = write_containerd_config(self._config, self._layout)
        containerd = self._supervisor.start("containerd", ["containerd", "--config", config_file])
        timeout = self._config.timeouts.component
        containerd.wait(self._layout.containerd_socket.exists, timeout=timeout)
        for archive in self._system_images():
            self.load(archive)
        server.wait(access.ready, timeout=timeout)

    def _start_rest(self, plane: ControlPlane) -> None:
        config, certificates = self._config, plane.certificates
        node = config.node.name
        self._start(
            "kube-controller-manager",
            controller_manager_flags(
                config, certificates, self._kubeconfig(plane, f"{SYSTEM}kube-controller-manager")
            ),
        )
        scheduler = self._kubeconfig(plane, f"{SYSTEM}kube-scheduler")
        self._start("kube-scheduler", scheduler_flags(config, scheduler))
        proxy = self._kubeconfig(plane, f"{SYSTEM}kube-proxy")
        self._start("kube-proxy", kube_proxy_flags(config, proxy))
        config_file = write_kubelet_config(
            config,
            self._layout,
            authority=certificates.authority.pair.certificate,
            serving=self._kubelet_serving(plane),
        )
        kubelet = self._kubeconfig(plane, f"{SYSTEM}node:{node}", f"{SYSTEM}nodes")
        flags = kubelet_flags(config, self._layout, config_file=config_file, kubeconfig=kubelet)
        self._start("kubelet", flags)

    def _start(self, tool: str, flags: Flags) -> Component:
        return self._supervisor.start(tool, [self._binaries.path(tool), *flag_list(flags)])

    def _start_storage(self, kubectl: Kubectl) -> None:
        files = storage.provisioner_files(self._config, self._layout)
        kubectl.apply(storage.manifests(files))
        folder = storage.write_files(files, self._layout)
        flags = storage.provisioner_flags(self._config, folder, self._layout.admin_kubeconfig)
        tool = "local-path-provisioner"
        command = [str(self._binaries.path(tool)), "start", *flag_list(flags)]
        self._supervisor.start(tool, command, env={"CONFIG_MOUNT_PATH": str(folder)})

    def _kubeconfig(self, plane: ControlPlane, user: str, *groups: str) -> Path:
        name = user.removeprefix(SYSTEM).partition(":")[0]
        pair = plane.certificates.authority.issue(name, user=user, groups=groups)
        return plane.access(pair).write(self._layout.config / f"{name}.kubeconfig", user=user)

    def _kubelet_serving(self, plane: ControlPlane) -> KeyPair:
        node = self._config.node.name
        return plane.certificates.authority.issue(
            "kubelet",
            user=f"{SYSTEM}node:{node}",
            groups=[f"{SYSTEM}nodes"],
            hosts=[self._config.network.node_address, node],
            usages=("serverAuth",),
        )

    def _system_images(self) -> list[Path]:
        """Archives of the images that the cluster itself needs; kept in the user's cache."""
        coredns = self._binaries.path("coredns")
        module = self._config.module_of("coredns")
        folder = self._binaries.root / "images"
        archives = {
            folder / f"coredns-{module.version}-{build_key(module)}.tar": ScratchImage(
                self._config.images.coredns, ["/coredns"], {"coredns": coredns}
            ),
            folder / f"busybox-{BUSYBOX.stat().st_mtime_ns:x}.tar": busybox_image(
                self._config.images.busybox
            ),
        }
        for archive, image in archives.items():
            if not archive.exists():
                image.write(archive)
        return list(archives)

    def _node_ready(self) -> bool:
        self._check_all()
        url = f"https://{self._config.network.node_address}:{Ports().api}"
        pki = self._layout.pki
        access = Access(url, Authority(pki, "ca").pair.certificate, KeyPair.at(pki, ADMIN))
        node = access.get(f"/api/v1/nodes/{self._config.node.name}")
        return node is not None and is_ready(json.loads(node))

    def _versions(self) -> dict[str, str]:
        return {name: module.version for name, module in self._config.modules.items()}

    def _await_dns(self) -> None:
        network = self._config.network
        name = f"kubernetes.default.svc.{network.domain}"

        def answered() -> bool:
            self._check_all()
            return dns.answers(network.dns_service, name)

        until(answered, what="an answer of the cluster's DNS", timeout=self._config.timeouts.dns)

    def _check_all(self) -> None:
        for component in self._supervisor.started():
            component.check()


def is_ready(node: Mapping[str, Any]) -> bool:
    """Whether a Node says that it is Ready."""
    conditions = node.get("status", {}).get("conditions", [])
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


def require_root() -> None:
    """Raise unless this is root, who alone can make networks and containers here.

    Raises:
        Unavailable: Somebody else runs this.
    """
    if os.geteuid() != 0:
        raise Unavailable("a cluster without Docker needs root: run it with sudo, or start Docker")


def busybox_image(name: str) -> ScratchImage:
    """An image that sleeps: every pod's sandbox, with a shell and tools for helpers and tests."""
    applets = set(run([BUSYBOX, "--list"]).split()) - {"busybox"}
    return ScratchImage(
        name,
        ["/bin/busybox", "sleep", "2147483647"],
        {"bin/busybox": BUSYBOX},
        links={f"bin/{applet}": "busybox" for applet in sorted(applets)},
    )


def describe(component: Component) -> str:
    """A line about a process: name, pid, resident memory; or where its log is if it ended."""
    if not component.alive():
        return f"{component.name:<26} ended; log: {component.log}"
    status = Path(f"/proc/{component.identity.pid}/status").read_text()
    resident = next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))
    return f"{component.name:<26} pid {component.identity.pid:<8} {int(resident) // 1024:>5} MiB"
