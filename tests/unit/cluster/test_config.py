"""config.toml: complete, without surprises, and in step with the go.mod files."""

import copy
import re
import tomllib
from typing import Any

import pytest

from cluster.config import PACKAGE, Config
from cluster.errors import ConfigError


@pytest.fixture
def data() -> dict[str, Any]:
    return copy.deepcopy(tomllib.loads((PACKAGE / "config.toml").read_text()))


def test_the_file_in_the_repository_is_valid() -> None:
    assert Config.load().node.gpus > 0


def test_an_unknown_key_is_refused_with_the_known_ones(data: dict[str, Any]) -> None:
    data["node"]["gpu"] = 4
    with pytest.raises(ConfigError, match=r"\[node\] has no key `gpu`; it knows name,.*gpus"):
        Config.parse(data)


def test_a_missing_key_is_named(data: dict[str, Any]) -> None:
    del data["timeouts"]["dns"]
    with pytest.raises(ConfigError, match=r"\[timeouts\] lacks `dns`"):
        Config.parse(data)


def test_an_unknown_table_is_refused(data: dict[str, Any]) -> None:
    data["nodes"] = {}
    with pytest.raises(ConfigError, match=r"no table \[nodes\]"):
        Config.parse(data)


def test_a_missing_table_is_named(data: dict[str, Any]) -> None:
    del data["kind"]
    with pytest.raises(ConfigError, match=r"lacks the table \[kind\]"):
        Config.parse(data)


def test_a_tool_in_an_unknown_group_is_refused(data: dict[str, Any]) -> None:
    data["modules"]["etcd"]["tools"]["etcd"]["groups"] = ["unit"]
    with pytest.raises(ConfigError, match="names the group `unit`; groups are envtest"):
        Config.parse(data)


def test_the_api_server_for_tests_needs_three_tools() -> None:
    assert Config.load().tools_of("envtest") == ("etcd", "kube-apiserver", "kubectl")


def test_every_tool_is_in_the_group_of_all() -> None:
    config = Config.load()
    every = {name for module in config.modules.values() for name in module.tools}
    assert set(config.tools_of("all")) == every


def test_an_unknown_tool_is_refused_with_the_known_ones() -> None:
    known = "there are argocd-health, coredns, etcd"
    with pytest.raises(ConfigError, match=f"No tool is called `kubeadm`; {known}"):
        Config.load().module_of("kubeadm")


@pytest.mark.parametrize("name", Config.load().modules)
def test_go_mod_requires_the_configured_version(name: str) -> None:
    module = Config.load().modules[name]
    go_mod = (module.directory / "go.mod").read_text()
    assert re.search(rf"\b{re.escape(module.require)} {re.escape(module.version)}\b", go_mod)


@pytest.mark.parametrize("name", Config.load().modules)
def test_go_mod_names_every_tool(name: str) -> None:
    module = Config.load().modules[name]
    words = (module.directory / "go.mod").read_text().split()
    assert {tool.package for tool in module.tools.values()} <= set(words)


@pytest.mark.parametrize("name", Config.load().modules)
def test_a_version_stamped_into_a_binary_is_its_own(name: str) -> None:
    module = Config.load().modules[name]
    stamped = [flag.split("=")[1] for flag in module.ldflags if "ersion=v" in flag]
    assert set(stamped) <= {module.version}
