"""``config.toml`` as typed, frozen values; unknown or missing keys are refused."""

import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any, Self

from cluster.errors import ConfigError

PACKAGE = Path(__file__).parent
REPOSITORY = PACKAGE.parent.parent
GROUPS = ("envtest", "cluster", "kind", "addons")


@dataclass(frozen=True)
class Section:
    """A table of the file, made from exactly the keys that its class names."""

    @classmethod
    def read(cls, where: str, table: Mapping[str, Any]) -> Self:
        """Make the section from a parsed table.

        Raises:
            ConfigError: A key is unknown, missing, or of another type than its default.
        """
        known = {field.name: field for field in fields(cls)}
        if unknown := sorted(set(table) - set(known)):
            raise ConfigError(
                f"config.toml: [{where}] has no key `{unknown[0]}`; it knows {', '.join(known)}"
            )
        required = {n for n, f in known.items() if f.default is MISSING}
        if missing := sorted(required - set(table)):
            raise ConfigError(f"config.toml: [{where}] lacks `{missing[0]}`")
        return cls(**{k: tuple(v) if isinstance(v, list) else v for k, v in table.items()})


@dataclass(frozen=True)
class GoSettings(Section):
    """Which Go builds the tools. ``free_gib``: disk space of a cold build, in GiB."""

    minimum: str
    wheel: str
    free_gib: int


@dataclass(frozen=True)
class Tool(Section):
    """One binary: its Go package and the groups that need it."""

    package: str
    groups: tuple[str, ...]


@dataclass(frozen=True)
class Module:
    """One Go module under ``go/``, the tools built from it, and files that it brings along."""

    name: str
    version: str
    require: str
    ldflags: tuple[str, ...]
    assets: tuple[str, ...]
    tools: Mapping[str, Tool]

    @property
    def directory(self) -> Path:
        """Where its ``go.mod`` and ``go.sum`` are."""
        return PACKAGE / "go" / self.name


@dataclass(frozen=True)
class NodeSettings(Section):
    """The one node. ``gpus``: how many ``nvidia.com/gpu`` it pretends to have."""

    name: str
    state: str
    lock: str
    cni_plugins: str
    gpus: int


@dataclass(frozen=True)
class NetworkSettings(Section):
    """Addresses and ranges, in dotted notation."""

    node_address: str
    bridge: str
    range: str
    pods: str
    node_pods: str
    services: str
    api_service: str
    dns_service: str
    domain: str
    nft_table: str
    policy_table: str


@dataclass(frozen=True)
class ControllerSettings(Section):
    """Rates of the controllers' own requests (a second), and the autoscaler's pace."""

    api_qps: int
    api_burst: int
    hpa_sync: str
    hpa_stabilization: str


@dataclass(frozen=True)
class KindSettings(Section):
    """The cluster where Docker runs."""

    name: str
    node_image: str


@dataclass(frozen=True)
class ProductImage(Section):
    """One image of the product; ``inputs`` are files it is built from besides the sources.

    ``engine``: which set of backends it has, where its Dockerfile leaves a choice.
    """

    dockerfile: str
    tag: str
    inputs: tuple[str, ...]
    engine: str = ""


@dataclass(frozen=True)
class ImageSettings:
    """Names of images, and what the stand-in base holds."""

    busybox: str
    coredns: str
    base: str
    base_suite: str
    base_packages: tuple[str, ...]
    product: Mapping[str, ProductImage]


@dataclass(frozen=True)
class Timeouts(Section):
    """Seconds until the tool gives up."""

    lock: float
    build: float
    image: float
    command: float
    component: float
    node: float
    dns: float
    stop: float
    kind: float


@dataclass(frozen=True)
class Config:
    """Everything in ``config.toml``."""

    go: GoSettings
    modules: Mapping[str, Module]
    node: NodeSettings
    network: NetworkSettings
    controllers: ControllerSettings
    kind: KindSettings
    debian: Mapping[str, str]
    tests: Mapping[str, str]
    images: ImageSettings
    timeouts: Timeouts

    @classmethod
    def load(cls, file: Path = PACKAGE / "config.toml") -> Self:
        """Read the file.

        Raises:
            ConfigError: It is not what this class describes.
        """
        try:
            return cls.parse(tomllib.loads(file.read_text()))
        except tomllib.TOMLDecodeError as error:
            raise ConfigError(f"{file}: {error}") from error

    @classmethod
    def parse(cls, data: Mapping[str, Any]) -> Self:
        """Make the configuration from a parsed file.

        Raises:
            ConfigError: A table or key is unknown or missing.
        """
        names = [field.name for field in fields(cls)]
        if unknown := sorted(set(data) - set(names)):
            raise ConfigError(f"config.toml: no table [{unknown[0]}]; it knows {', '.join(names)}")
        if missing := [name for name in names if name not in data]:
            raise ConfigError(f"config.toml lacks the table [{missing[0]}]")
        return cls(
            go=GoSettings.read("go", data["go"]),
            modules={n: _module(n, t) for n, t in data["modules"].items()},
            node=NodeSettings.read("node", data["node"]),
            network=NetworkSettings.read("network", data["network"]),
            controllers=ControllerSettings.read("controllers", data["controllers"]),
            kind=KindSettings.read("kind", data["kind"]),
            debian=data["debian"],
            tests=data["tests"],
            images=_images(data["images"]),
            timeouts=Timeouts.read("timeouts", data["timeouts"]),
        )

    def module_of(self, tool: str) -> Module:
        """The module that a tool is built from.

        Raises:
            ConfigError: No module builds such a tool.
        """
        for module in self.modules.values():
            if tool in module.tools:
                return module
        known = sorted(name for module in self.modules.values() for name in module.tools)
        raise ConfigError(f"No tool is called `{tool}`; there are {', '.join(known)}")

    def tools_of(self, group: str) -> tuple[str, ...]:
        """Names of the tools that a group needs, in build order; ``all`` means every tool."""
        return tuple(
            name
            for module in self.modules.values()
            for name, tool in module.tools.items()
            if group == "all" or group in tool.groups
        )


def _module(name: str, table: Mapping[str, Any]) -> Module:
    where = f"modules.{name}"
    rest = dict(table)
    tools = {t: Tool.read(f"{where}.tools.{t}", v) for t, v in rest.pop("tools", {}).items()}
    for tool_name, tool in tools.items():
        if unknown := sorted(set(tool.groups) - set(GROUPS)):
            raise ConfigError(
                f"config.toml: [{where}.tools.{tool_name}] names the group `{unknown[0]}`;"
                f" groups are {', '.join(GROUPS)}"
            )
    rest = {"ldflags": [], "assets": [], **rest}
    head = _ModuleHead.read(where, rest)
    return Module(name, head.version, head.require, head.ldflags, head.assets, tools)


def _images(table: Mapping[str, Any]) -> ImageSettings:
    rest = dict(table)
    product = {
        name: ProductImage.read(f"images.product.{name}", value)
        for name, value in rest.pop("product", {}).items()
    }
    head = _ImagesHead.read("images", rest)
    return ImageSettings(
        head.busybox, head.coredns, head.base, head.base_suite, head.base_packages, product
    )


@dataclass(frozen=True)
class _ModuleHead(Section):
    version: str
    require: str
    ldflags: tuple[str, ...]
    assets: tuple[str, ...]


@dataclass(frozen=True)
class _ImagesHead(Section):
    busybox: str
    coredns: str
    base: str
    base_suite: str
    base_packages: tuple[str, ...]
