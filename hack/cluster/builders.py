"""Build container images: with Docker where its engine answers, else with buildah."""

import datetime
import json
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol

from cluster.base import base_tag, make_base
from cluster.commands import run, succeeds
from cluster.config import REPOSITORY, Config, ProductImage
from cluster.errors import ClusterError
from cluster.paths import cache_root, write_private
from cluster.provider import docker_answers

HOST_CERTIFICATES = Path("/etc/ssl/certs")
INPUTS_LABEL = "dev.speaker-tts.inputs"
LAYERS_KEPT = 400
"""Steps of earlier builds kept for reuse, until there are more (after about 65 builds)."""
BUNDLE = HOST_CERTIFICATES / "ca-certificates.crt"


@dataclass(frozen=True)
class ImageSize:
    """Bytes of an image's files: what it adds to its base, and all of them."""

    above_base: int
    whole: int


class Builder(Protocol):
    """Builds and saves images."""

    def build(self, image: ProductImage, inputs: str) -> None:
        """Build an image from this checkout, labelled with the key of its inputs."""
        ...

    def inputs(self, tag: str) -> str:
        """The key that an image was built from; empty if there is no such image."""
        ...

    def save(self, tag: str, archive: Path) -> None:
        """Write an image to an archive."""
        ...

    def size(self, tag: str) -> ImageSize:
        """How large an image is, unpacked."""
        ...


def choose_builder(config: Config) -> Builder:
    """Docker where its engine answers, else buildah."""
    return DockerBuilder(config) if docker_answers() else BuildahBuilder(config)


class DockerBuilder:
    """The Docker engine, with the Dockerfile's own base."""

    def __init__(self, config: Config) -> None:
        self._timeout = config.timeouts.image

    def build(self, image: ProductImage, inputs: str) -> None:
        """Build an image from this checkout."""
        words = ["--file", image.dockerfile, "--tag", image.tag, *build_words(image, inputs)]
        run(["docker", "build", *words, "."], cwd=REPOSITORY, timeout=self._timeout)

    def inputs(self, tag: str) -> str:
        """The key that an image was built from; empty if there is no such image."""
        words = ["docker", "image", "inspect", tag]
        if not succeeds(words):
            return ""
        labels = json.loads(run(words))[0]["Config"]["Labels"] or {}
        return str(labels.get(INPUTS_LABEL, ""))

    def save(self, tag: str, archive: Path) -> None:
        """Write an image to an archive."""
        run(["docker", "save", "--output", str(archive), tag], timeout=self._timeout)

    def size(self, tag: str) -> ImageSize:
        """Bytes of the layers that the Dockerfile's own steps made, and of all."""
        shown = run(["docker", "history", "--human=false", "--format", "{{json .}}", tag])
        layers = [json.loads(line) for line in shown.splitlines()]
        steps = [(layer["CreatedBy"], int(layer["Size"])) for layer in layers]
        return ImageSize(sum(own_layers(steps)), sum(size for _, size in steps))


class BuildahBuilder:
    """buildah with a store of its own in the user's cache, and the stand-in base."""

    network: ClassVar[str] = "host"

    def __init__(self, config: Config) -> None:
        self._config = config
        self._root = cache_root() / "buildah"

    def build(self, image: ProductImage, inputs: str) -> None:
        """Build an image from this checkout, reusing the layers of earlier builds."""
        self._buildah("rm", "--all")  # working containers of an interrupted build
        base = self._base()
        words = ["--layers", "--isolation=chroot", f"--network={self.network}"]
        words += [f"--build-arg=BASE={base}", *self._host_settings(), *build_words(image, inputs)]
        words += ["--file", image.dockerfile, "--tag", image.tag, str(REPOSITORY)]
        self._buildah("build", *words)
        unnamed = self._buildah("images", "--quiet", "--filter=dangling=true").split()
        if len(unnamed) > LAYERS_KEPT:
            self._buildah("rmi", "--prune", "--force")

    def inputs(self, tag: str) -> str:
        """The key that an image was built from; empty if there is no such image."""
        try:
            labels = self.settings(tag).get("Labels") or {}
        except ClusterError:
            return ""
        return str(labels.get(INPUTS_LABEL, ""))

    def save(self, tag: str, archive: Path) -> None:
        """Write an image to an archive."""
        archive.unlink(missing_ok=True)
        self._buildah("push", tag, f"docker-archive:{archive}:{tag}")

    def size(self, tag: str) -> ImageSize:
        """Of the image's files, unpacked, minus that of its base's, and of all."""
        whole = self._unpacked(tag)
        return ImageSize(whole - self._unpacked(self._base()), whole)

    @contextmanager
    def mounted(self, tag: str) -> Iterator[Path]:
        """The image's files, for as long as the context lasts."""
        container = self._buildah("from", "--pull-never", tag).strip()
        try:
            yield Path(self._buildah("mount", container).strip())
        finally:
            self._buildah("rm", container)

    def settings(self, tag: str) -> dict[str, Any]:
        """What the image says of its process: ``User``, ``Env``, ``Entrypoint``, ``WorkingDir``."""
        shown = self._buildah("inspect", "--type=image", tag)
        found: dict[str, Any] = json.loads(shown)["OCIv1"]["config"]
        return found

    def _base(self) -> str:
        today = datetime.datetime.now(tz=datetime.UTC).date()
        tag = base_tag(self._config, today)
        try:
            self._buildah("inspect", "--type=image", tag)
        except ClusterError:
            make_base(self._config, tag, self._root / "base", self._buildah)
        return tag

    def _unpacked(self, tag: str) -> int:
        with self.mounted(tag) as folder:
            return int(run(["du", "--summarize", "--bytes", folder]).split()[0])

    def _host_settings(self) -> list[str]:
        """Lend the build this machine's authorities and pip settings; none stays in the image."""
        if not BUNDLE.exists():
            return []
        settings = write_private(self._root / "pip.conf", f"[global]\ncert = {BUNDLE}\n")
        settings.chmod(0o644)
        return [
            f"--volume={HOST_CERTIFICATES}:{HOST_CERTIFICATES}:ro",
            f"--volume={settings}:/etc/pip.conf:ro",
        ]

    def _buildah(self, *args: str) -> str:
        store = ["--root", str(self._root / "store"), "--runroot", str(self._root / "run")]
        words = ["buildah", *store, "--storage-driver", "overlay", *args]
        return run(words, cwd=REPOSITORY, timeout=self._config.timeouts.image)


def build_words(image: ProductImage, inputs: str) -> list[str]:
    """Arguments of every build: the key of the inputs, the version of the distribution."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    words = [f"--label={INPUTS_LABEL}={inputs}", f"--build-arg=VERSION={project['version']}"]
    return [*words, f"--build-arg=ENGINE={image.engine}"] if image.engine else words


def own_layers(steps: list[tuple[str, int]]) -> list[int]:
    """Sizes of an image's newest steps, down to the last one of its base (its ``CMD``)."""
    sizes = []
    for command, size in steps:
        if command.startswith(("CMD", "/bin/sh -c #(nop)  CMD")):
            break
        sizes.append(size)
    return sizes
