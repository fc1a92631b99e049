"""The default StorageClass: directories on the node, made by local-path-provisioner."""

import json
from pathlib import Path

from cluster.config import Config
from cluster.controlplane import Flags
from cluster.paths import Layout, write_private
from cluster.templates import render

NAMESPACE = "local-path-storage"
CONFIG_MAP = "local-path-config"


def provisioner_files(config: Config, layout: Layout) -> dict[str, str]:
    """What the provisioner reads: where directories go, and how its helper pods make them."""
    where = {"node": "DEFAULT_PATH_FOR_NON_LISTED_NODES", "paths": [str(layout.volumes)]}
    return {
        "config.json": json.dumps({"nodePathMap": [where]}),
        "setup": '#!/bin/sh\nset -eu\n/bin/busybox mkdir -m 0777 -p "$VOL_DIR"\n',
        "teardown": '#!/bin/sh\nset -eu\n/bin/busybox rm -rf "$VOL_DIR"\n',
        "helperPod.yaml": render("storage-helper.yaml", image=config.images.busybox),
    }


def manifests(files: dict[str, str]) -> str:
    """The StorageClass, and the ConfigMap that helper pods mount their scripts from."""
    config_map = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": CONFIG_MAP, "namespace": NAMESPACE},
        "data": files,
    }
    return f"{render('storage.yaml')}---\n{json.dumps(config_map)}\n"


def write_files(files: dict[str, str], layout: Layout) -> Path:
    """Write the same files for the provisioner, which runs on the node itself."""
    folder = layout.config / "storage"
    for name, content in files.items():
        write_private(folder / name, content)
    return folder


def provisioner_flags(config: Config, folder: Path, kubeconfig: Path) -> Flags:
    """Its command line after ``start``."""
    return {
        "config": folder / "config.json",
        "kubeconfig": kubeconfig,
        "helper-pod-file": folder / "helperPod.yaml",
        "helper-image": config.images.busybox,
        "namespace": NAMESPACE,
    }
