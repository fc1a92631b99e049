"""The cluster where Docker runs: kind, with the same extras as the other one."""

from pathlib import Path
from typing import ClassVar

from cluster import gpu
from cluster.binaries import Binaries
from cluster.commands import run
from cluster.config import Config
from cluster.errors import ClusterError
from cluster.progress import step
from cluster.templates import render


class KindCluster:
    """One container that is a node; kind brings DNS and a default StorageClass by itself."""

    name: ClassVar[str] = "kind"
    group: ClassVar[str] = "kind"

    def __init__(self, config: Config) -> None:
        self._config = config
        self._binaries = Binaries.of_user(config)
        self._node = f"{config.kind.name}-control-plane"

    def running(self) -> bool:
        """Whether kind knows the cluster and its node is Ready."""
        if self._binaries.missing(self._config.tools_of(self.group)):
            return False
        if self._config.kind.name not in self._kind("get", "clusters").split():
            return False
        path = '{.status.conditions[?(@.type=="Ready")].status}'
        try:
            return self._kubectl("get", "node", self._node, f"--output=jsonpath={path}") == "True"
        except ClusterError:
            return False

    def up(self) -> None:
        """Create it afresh."""
        self._binaries.ensure(self._config.tools_of(self.group))
        self.down()
        controllers = self._config.controllers
        definition = render(
            "kind.yaml",
            image=self._config.kind.node_image,
            api_qps=controllers.api_qps,
            api_burst=controllers.api_burst,
            hpa_sync=controllers.hpa_sync,
            hpa_stabilization=controllers.hpa_stabilization,
        )
        with step("kind cluster"):
            limit = self._config.timeouts.kind
            words = ["create", "cluster", "--config=-", f"--wait={limit:.0f}s"]
            self._kind(*words, text=definition)
        patch = gpu.claim_patch(self._config.node.gpus)
        words = ["patch", "node", self._node, "--subresource=status", "--type=json"]
        self._kubectl(*words, f"--patch={patch}")
        with step("DNS"):
            limit = self._config.timeouts.dns
            words = ["rollout", "status", "deployment/coredns", "--namespace=kube-system"]
            self._kubectl(*words, f"--timeout={limit:.0f}s")

    def down(self) -> None:
        """Delete it, if there is one."""
        self._binaries.ensure(["kind"])
        self._kind("delete", "cluster")

    def kubeconfig(self) -> str:
        """The cluster-admin's kubeconfig."""
        return self._kind("get", "kubeconfig")

    def load(self, archive: Path) -> None:
        """Load an archive of images into the node."""
        self._kind("load", "image-archive", str(archive))

    def images(self) -> frozenset[str]:
        """Names of the images that the node's containerd has."""
        words = ["ctr", "--namespace=k8s.io", "images", "ls", "-q"]
        return frozenset(run(["docker", "exec", self._node, *words]).split())

    def parts(self) -> list[str]:
        """A line per container of kind."""
        label = f"label=io.x-k8s.kind.cluster={self._config.kind.name}"
        shown = run(["docker", "ps", "--filter", label, "--format", "{{.Names}}: {{.Status}}"])
        return shown.splitlines()

    def _kind(self, *args: str, text: str | None = None) -> str:
        named = (*args, "--name", self._config.kind.name) if args != ("get", "clusters") else args
        limit = self._config.timeouts.kind
        # kind would otherwise add itself to the user's own kubeconfig
        environment = {"KUBECONFIG": str(self._kubeconfig_file())}
        return run([self._binaries.path("kind"), *named], text=text, env=environment, timeout=limit)

    def _kubectl(self, *args: str) -> str:
        environment = {"KUBECONFIG": str(self._kubeconfig_file())}
        limit = self._config.timeouts.kind
        return run([self._binaries.path("kubectl"), *args], env=environment, timeout=limit)

    def _kubeconfig_file(self) -> Path:
        return self._binaries.root / "kind.kubeconfig"
