"""The product's images: built when their inputs changed, and loaded into the cluster."""

import hashlib
import tempfile
from collections.abc import Iterable
from pathlib import Path

from cluster.builders import ImageSize, choose_builder
from cluster.config import REPOSITORY, Config, ProductImage
from cluster.errors import ConfigError
from cluster.paths import cache_root
from cluster.progress import note, step
from cluster.provider import Kubectl, Provider

SOURCES = (
    ".dockerignore",
    "pyproject.toml",
    "README.md",
    "LICENSE",
    "operator",
    "runtime",
    "clients/python",
)
"""What every product image is built from: the one distribution that all are installed from."""
NOT_SOURCES = {"__pycache__", "node_modules"}


def provide(config: Config, name: str, provider: Provider, kubectl: Kubectl) -> None:
    """Build an image if its inputs changed, and load it if the cluster has not got it.

    Raises:
        ConfigError: There is no such image.
        CommandFailed: It does not build.
    """
    image = product_image(config, name)
    key = inputs_key(REPOSITORY, image)
    if kubectl.image_record().get(image.tag) == key and image.tag in provider.images():
        note(f"{image.tag}: up to date")
        return
    builder = choose_builder(config)
    ensure_built(config, image, key)
    with step(f"load {image.tag}"), tempfile.TemporaryDirectory(dir=_scratch()) as folder:
        archive = Path(folder) / "image.tar"
        builder.save(image.tag, archive)
        provider.load(archive)
    kubectl.record_image(image.tag, key)


def ensure_built(config: Config, image: ProductImage, key: str) -> None:
    """Build an image unless the newest build had the same inputs."""
    builder = choose_builder(config)
    if builder.inputs(image.tag) != key:
        with step(f"build {image.tag}"):
            builder.build(image, key)


def size(config: Config, name: str) -> ImageSize:
    """How large an image is, unpacked; it is built if need be."""
    image = product_image(config, name)
    ensure_built(config, image, inputs_key(REPOSITORY, image))
    return choose_builder(config).size(image.tag)


def product_image(config: Config, name: str) -> ProductImage:
    """The settings of an image.

    Raises:
        ConfigError: There is no such image.
    """
    if name not in config.images.product:
        known = ", ".join(config.images.product)
        raise ConfigError(f"No image is called `{name}`; there are {known}")
    return config.images.product[name]


def inputs_key(root: Path, image: ProductImage) -> str:
    """A digest over the paths and contents of everything that an image is built from."""
    return content_key(root, [image.dockerfile, *image.inputs, *SOURCES])


def content_key(root: Path, inputs: Iterable[str]) -> str:
    """A digest over files and folders below ``root``: 16 hexadecimal digits.

    Compiled files are left out, and so is whatever else is not copied into an image.
    """
    digest = hashlib.sha256()
    for file in sorted({file for name in inputs for file in _files(root / name)}):
        digest.update(f"{file.relative_to(root)}\0{file.stat().st_size}\0".encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    return [file for file in path.rglob("*") if file.is_file() and not NOT_SOURCES & {*file.parts}]


def _scratch() -> Path:
    folder = cache_root() / "images"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
