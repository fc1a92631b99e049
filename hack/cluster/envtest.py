"""An API server for tests: a real etcd and kube-apiserver, ready in about three seconds.

There is no controller manager, scheduler or kubelet: objects are stored, validated, watched and
authorized, but nothing acts on them. Owners' deletion is not cascaded (no garbage collector),
namespaces stay ``Terminating``, Deployments get no pods, and ServiceAccounts get no default one
(its admission is off, as there is nobody to make it).

Any user may run it; it listens on the loopback device only, and ends with the process that
started it, even if that is killed.
"""

import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from cluster.binaries import Binaries
from cluster.commands import run, succeeds
from cluster.config import Config
from cluster.controlplane import ADMIN, NO_FLAGS, Certificates, Flags, Ports
from cluster.controlplane import ControlPlane as Plane
from cluster.errors import ComponentFailed, Unavailable
from cluster.paths import Layout
from cluster.process import Component, Supervisor

ADDRESS = "127.0.0.1"
ATTEMPTS = 3
LOWEST_PORT = 20_000
OUTGOING_PORTS = Path("/proc/sys/net/ipv4/ip_local_port_range")
EXTRA_FLAGS: Flags = {
    "endpoint-reconciler-type": "none",  # the default one refuses a loopback address
    "disable-admission-plugins": "ServiceAccount",
    "profiling": False,
}


class ControlPlane:
    """A running etcd and kube-apiserver; use it as a context manager.

    Args:
        state_dir: Folder for data, keys and logs, removed never; without it, a temporary one that
            is removed at the end.
        config: Versions and time-outs.
        flags: Further ones of kube-apiserver, on top of what every test has.

    Raises:
        Unavailable: On entry: the binaries are neither cached nor can they be built here.
        ComponentFailed: On entry: a process did not start; the message has the end of its log.
    """

    def __init__(
        self,
        state_dir: Path | None = None,
        config: Config | None = None,
        flags: Flags = NO_FLAGS,
    ) -> None:
        self._config = config or Config.load()
        self._flags = {**EXTRA_FLAGS, **flags}
        self._binaries = Binaries.of_user(self._config)
        self._stack = ExitStack()
        self._state_dir = state_dir

    def __enter__(self) -> Self:
        if not succeeds(["openssl", "version"]):
            raise Unavailable("openssl is not installed: apt-get install openssl")
        self._binaries.ensure(self._config.tools_of("envtest"))
        with ExitStack() as stack:
            root = self._state_dir or Path(tempfile.mkdtemp(prefix="apiserver-"))
            if self._state_dir is None:
                stack.callback(shutil.rmtree, root, ignore_errors=True)
            self._layout = Layout(root)
            self._certificates = Certificates.create(
                self._layout.pki,
                address=ADDRESS,
                service_address=self._config.network.api_service,
            )
            self._start_on_free_ports()
            stack.callback(self._stop_all)
            self.kubeconfig = self._plane.access(self._certificates.admin).write(
                self._layout.admin_kubeconfig, user=ADMIN
            )
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    kubeconfig: Path
    """Of the user ``admin``, who may do everything."""

    @property
    def url(self) -> str:
        """Of the API server; the same for the life of this object."""
        return self._plane.url

    @property
    def ca_file(self) -> Path:
        """The certificate that signed the server's."""
        return self._certificates.authority.pair.certificate

    @property
    def client_cert_file(self) -> Path:
        """The admin's certificate."""
        return self._certificates.admin.certificate

    @property
    def client_key_file(self) -> Path:
        """The admin's private key."""
        return self._certificates.admin.key

    def kubectl(self, *args: str, input: str | None = None) -> str:  # noqa: A002 - subprocess's word
        """Run the pinned kubectl as the admin and return its standard output.

        Raises:
            CommandFailed: kubectl refused; ``stderr`` has its words.
        """
        return run(
            [self._binaries.path("kubectl"), *args],
            text=input,
            env={"KUBECONFIG": str(self.kubeconfig)},
            timeout=self._config.timeouts.command,
        )

    def kubeconfig_for(self, user: str, groups: Sequence[str] = ()) -> Path:
        """A kubeconfig for a user who has the rights that RBAC gives to the name and groups.

        A service account is the user ``system:serviceaccount:NAMESPACE:NAME`` with the groups
        ``system:serviceaccounts`` and ``system:serviceaccounts:NAMESPACE``.
        """
        name = f"user-{len(list(self._layout.pki.glob('user-*.crt')))}"
        pair = self._certificates.authority.issue(name, user=user, groups=groups)
        file = self._layout.config / f"{name}.kubeconfig"
        return self._plane.access(pair).write(file, user=user)

    def stop_apiserver(self) -> None:
        """Kill the API server; etcd keeps what it stored."""
        self._stop(self._apiserver)

    def start_apiserver(self) -> None:
        """Start the API server again, at the same address, and wait until it is ready."""
        self._apiserver = self._plane.start_apiserver(
            self._binaries.path("kube-apiserver"), self._flags
        )
        self._watch_over(self._apiserver)
        self._await_ready()

    def restart_apiserver(self) -> None:
        """Break all connections and watches, as an upgrade of the control plane does."""
        self.stop_apiserver()
        self.start_apiserver()

    def _start_on_free_ports(self) -> None:
        """Start both; another process may take a free port first, so try a few times."""
        for attempt in range(1, ATTEMPTS + 1):
            self._plane = Plane(
                self._layout,
                Supervisor(self._layout.processes, self._layout.logs),
                self._certificates,
                self._config.network,
                ADDRESS,
                Ports(*free_ports(3)),
            )
            self._guards: dict[str, subprocess.Popen[bytes]] = {}
            self._etcd = self._plane.start_etcd(self._binaries.path("etcd"))
            self._watch_over(self._etcd)
            try:
                self.start_apiserver()
            except ComponentFailed as error:
                self._stop_all()
                if attempt == ATTEMPTS or "address already in use" not in str(error):
                    raise
                shutil.rmtree(self._layout.etcd, ignore_errors=True)
            else:
                return

    def _await_ready(self) -> None:
        access = self._plane.access(self._certificates.admin)

        def ready() -> bool:
            self._etcd.check()
            return access.ready()

        self._apiserver.wait(ready, timeout=self._config.timeouts.component)

    def _watch_over(self, component: Component) -> None:
        """Leave a shell that kills the component once this process no longer holds its pipe."""
        self._guards[component.name] = subprocess.Popen(
            ["/bin/sh", "-c", 'read _; kill -9 "$1"', "guard", str(component.identity.pid)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def _stop_all(self) -> None:
        for component in self._plane.supervisor.started():
            self._stop(component)

    def _stop(self, component: Component) -> None:
        component.kill()
        if guard := self._guards.pop(component.name, None):
            guard.kill()
            guard.communicate()


def free_ports(count: int) -> list[int]:
    """Ports of the loopback device that nobody listens on right now.

    They lie below the range from which the kernel takes the ports of outgoing connections: one of
    those could otherwise take the API server's port while it restarts.
    """
    highest = int(OUTGOING_PORTS.read_text().split()[0])
    found: list[int] = []
    while len(found) < count:
        port = LOWEST_PORT + secrets.randbelow(max(highest - LOWEST_PORT, 1))
        with socket.socket() as probe:
            if port not in found and probe.connect_ex((ADDRESS, port)):
                found.append(port)
    return found
