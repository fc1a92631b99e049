"""What both kinds of cluster can do, and which one this machine gets."""

import json
from pathlib import Path
from typing import ClassVar, Protocol

from cluster.binaries import Binaries
from cluster.commands import run, succeeds
from cluster.config import Config

DOCKER_TIMEOUT = 10.0
IMAGE_RECORD = "speaker-tts-cluster-images"


class Provider(Protocol):
    """A disposable cluster of one node; there is one per machine."""

    name: ClassVar[str]
    group: ClassVar[str]
    """The group of tools that it is made of."""

    def running(self) -> bool:
        """Whether it is up and healthy."""
        ...

    def up(self) -> None:
        """Start it afresh; what is left of an earlier one is removed first."""
        ...

    def down(self) -> None:
        """Remove it, and every trace of it."""
        ...

    def kubeconfig(self) -> str:
        """The cluster-admin's kubeconfig."""
        ...

    def load(self, archive: Path) -> None:
        """Put the image of an archive on the node."""
        ...

    def images(self) -> frozenset[str]:
        """Names of the images on the node."""
        ...

    def parts(self) -> list[str]:
        """A line for each of its parts, for ``status``."""
        ...


class Kubectl:
    """The pinned kubectl with a kubeconfig."""

    def __init__(self, config: Config, kubeconfig: Path) -> None:
        self._binary = Binaries.of_user(config).path("kubectl")
        self._environment = {"KUBECONFIG": str(kubeconfig)}
        self._timeout = config.timeouts.command

    def __call__(self, *args: str, text: str | None = None, timeout: float | None = None) -> str:
        """Run it and return its standard output.

        Raises:
            CommandFailed: It refused.
        """
        return run(
            [self._binary, *args],
            text=text,
            env=self._environment,
            timeout=timeout or self._timeout,
        )

    def apply(self, manifests: str) -> None:
        """Apply manifests on the server's side."""
        self("apply", "--server-side", "--force-conflicts", "--filename=-", text=manifests)

    def image_record(self) -> dict[str, str]:
        """Names of the product's images on the node, and what each was built from."""
        words = ["configmap", IMAGE_RECORD, "--namespace=kube-system", "--ignore-not-found"]
        data = self("get", *words, "--output=jsonpath={.data.record}")
        record: dict[str, str] = json.loads(data) if data else {}
        return record

    def record_image(self, name: str, key: str) -> None:
        """Note that the node has an image, and what it was built from."""
        metadata = {"name": IMAGE_RECORD, "namespace": "kube-system"}
        record = json.dumps({**self.image_record(), name: key})
        document = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}
        self.apply(json.dumps({**document, "data": {"record": record}}))


def docker_answers() -> bool:
    """Whether a Docker engine runs here, not merely its client."""
    shown = ["docker", "info", "--format", "{{.ServerVersion}}"]
    return succeeds(shown, timeout=DOCKER_TIMEOUT)
