"""Manifests and files of the cluster's parts, filled in from the configuration."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import yaml

from cluster import dns, doctor, gpu, storage
from cluster.config import PACKAGE, Config
from cluster.local import is_ready
from cluster.paths import Layout
from cluster.templates import render

CONFIG = Config.load()


def test_a_placeholder_without_a_value_is_an_error() -> None:
    with pytest.raises(KeyError, match="image"):
        render("coredns.yaml", domain="x", dns_service="y")


def test_dns_is_served_at_the_configured_address() -> None:
    documents = list(yaml.safe_load_all(dns.manifests(CONFIG)))
    service = next(d for d in documents if d["kind"] == "Service")
    assert service["spec"]["clusterIP"] == CONFIG.network.dns_service


def test_the_storage_class_is_the_default_and_applies_fs_group() -> None:
    files = storage.provisioner_files(CONFIG, Layout(Path("/state")))
    documents = list(yaml.safe_load_all(storage.manifests(files)))
    annotations = next(d for d in documents if d["kind"] == "StorageClass")["metadata"][
        "annotations"
    ]
    assert annotations == {
        "storageclass.kubernetes.io/is-default-class": "true",
        "defaultVolumeType": "local",
    }


def test_the_provisioner_and_its_pods_read_the_same_files(tmp_path: Path) -> None:
    files = storage.provisioner_files(CONFIG, Layout(tmp_path))
    folder = storage.write_files(files, Layout(tmp_path))
    documents = list(yaml.safe_load_all(storage.manifests(files)))
    config_map = next(d for d in documents if d["kind"] == "ConfigMap")
    assert config_map["data"] == {file.name: file.read_text() for file in folder.iterdir()}


def test_gpus_are_claimed_as_capacity_and_as_allocatable() -> None:
    patch = json.loads(gpu.claim_patch(4))
    assert [(step["path"], step["value"]) for step in patch] == [
        ("/status/capacity/nvidia.com~1gpu", "4"),
        ("/status/allocatable/nvidia.com~1gpu", "4"),
    ]


def test_kind_is_asked_for_the_configured_node() -> None:
    definition = yaml.safe_load(
        render("kind.yaml", image=CONFIG.kind.node_image, **asdict(CONFIG.controllers))
    )
    assert definition["nodes"][0]["image"] == CONFIG.kind.node_image
    patch = yaml.safe_load(definition["kubeadmConfigPatches"][0])
    assert {"name": "kube-api-qps", "value": "300"} in patch["scheduler"]["extraArgs"]


@pytest.mark.parametrize("file", sorted((PACKAGE / "templates").iterdir()), ids=lambda f: f.name)
def test_no_template_holds_a_version_or_address_of_its_own(file: Path) -> None:
    text = file.read_text()
    assert CONFIG.network.node_address not in text
    assert CONFIG.network.dns_service not in text


@pytest.mark.parametrize(
    ("status", "ready"),
    [
        ({}, False),
        ({"conditions": [{"type": "Ready", "status": "Unknown"}]}, False),
        ({"conditions": [{"type": "MemoryPressure", "status": "True"}]}, False),
        ({"conditions": [{"type": "Ready", "status": "True"}]}, True),
    ],
)
def test_a_node_is_ready_if_its_condition_says_so(status: dict[str, Any], ready: bool) -> None:
    assert is_ready({"status": status}) is ready


def test_a_missing_command_or_file_is_named_by_its_package(tmp_path: Path) -> None:
    wanted = {"sh": "dash", "no-such-command": "b", str(tmp_path / "no-file"): "a"}
    assert doctor.missing_packages(wanted) == ["a", "b"]
