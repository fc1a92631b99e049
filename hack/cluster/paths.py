"""Where things are: the user's cache, the machine's state folder, this checkout's build folder."""

import os
from dataclasses import dataclass
from pathlib import Path

from cluster.config import REPOSITORY


def cache_root() -> Path:
    """The cache folder that outlives clusters and checkouts."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "speaker-tts" / "cluster"


def kubeconfig_file() -> Path:
    """This checkout's kubeconfig."""
    return REPOSITORY / "build" / "kubeconfig"


def write_private(file: Path, content: str) -> Path:
    """Write a file that only its owner may read, whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_name(f".{file.name}.{os.getpid()}")
    partial.touch(mode=0o600)
    partial.write_text(content)
    return partial.replace(file)


@dataclass(frozen=True)
class Layout:
    """Folders of a running cluster below one root; removing the root forgets the cluster.

    Paths of unix sockets must stay below 108 characters, so names here are short.
    """

    root: Path

    @property
    def pki(self) -> Path:
        """Keys and certificates."""
        return self.root / "pki"

    @property
    def etcd(self) -> Path:
        """Data of etcd."""
        return self.root / "etcd"

    @property
    def logs(self) -> Path:
        """One log per process."""
        return self.root / "logs"

    @property
    def processes(self) -> Path:
        """One record per process."""
        return self.root / "processes"

    @property
    def config(self) -> Path:
        """Configuration files and kubeconfigs of the components."""
        return self.root / "config"

    @property
    def containerd(self) -> Path:
        """Root, state and socket of containerd."""
        return self.root / "containerd"

    @property
    def containerd_socket(self) -> Path:
        """Where containerd listens."""
        return self.containerd / "c.sock"

    @property
    def bundles(self) -> Path:
        """One folder per running container, named by its id; containerd makes them."""
        return self.containerd / "state" / "io.containerd.runtime.v2.task" / "k8s.io"

    @property
    def kubelet(self) -> Path:
        """The kubelet's root."""
        return self.root / "kubelet"

    @property
    def cni(self) -> Path:
        """Network configuration and address leases of pods."""
        return self.root / "cni"

    @property
    def volumes(self) -> Path:
        """Directories behind the default StorageClass."""
        return self.root / "volumes"

    @property
    def admin_kubeconfig(self) -> Path:
        """The cluster-admin's kubeconfig, copied to each checkout that uses the cluster."""
        return self.config / "admin.kubeconfig"

    @property
    def ready(self) -> Path:
        """Written last by a start that succeeded; holds what it was started from."""
        return self.root / "ready.json"
