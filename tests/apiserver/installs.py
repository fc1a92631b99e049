"""Releases of the chart on a real API server: their roles, their settings and their tokens."""

import base64
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from cluster.envtest import ControlPlane
from speaker_operator.kube.resources import Resource
from tests.apiserver.api import RESTRICTED, Api, Json, unique_name

HELM_TIMEOUT = 300
ACCESS_REVIEW = Resource("authorization.k8s.io/v1", "SubjectAccessReview", "subjectaccessreviews")
SERVICE_ACCOUNT = "speaker-tts-operator"
APPLIED = {"ServiceAccount", "Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"}


@dataclass(frozen=True)
class Install:
    """A release of the chart, as far as this API server has use for it."""

    system: str
    watched: tuple[str, ...]
    """Namespaces that it is told to watch; none for all."""
    settings: dict[str, str]
    pod: Json
    """The operator's pod."""


Installer = Callable[..., Install]


@contextmanager
def installer(plane: ControlPlane, admin: Api, repository: Path) -> Iterator[Installer]:
    """Render the chart and apply its roles and service account; they go with the test."""
    cluster_wide: list[str] = []

    def run(*watched: str, values: tuple[str, ...] = ()) -> Install:
        system = unique_name("system")
        for name in (system, *watched):
            admin.create_namespace(name, RESTRICTED)
        names = f"watchNamespaces={{{','.join(watched)}}}"
        chosen = (names, *values) if watched else values
        command = [sys.executable, "-m", "cluster", "helm", "template", "speaker-tts"]
        arguments = ["charts/speaker-tts", "--namespace", system, "--set", "crds.install=false"]
        rendered = subprocess.run(
            [*command, *arguments, *(word for each in chosen for word in ("--set", each))],
            cwd=repository,
            env={"PYTHONPATH": "hack", "PATH": "/usr/local/go/bin:/usr/local/bin:/usr/bin:/bin"},
            capture_output=True,
            text=True,
            timeout=HELM_TIMEOUT,
            check=True,
        )
        manifests = [each for each in yaml.safe_load_all(rendered.stdout) if each]
        applied = [each for each in manifests if each["kind"] in APPLIED]
        cluster_wide.extend(
            f"{each['kind']}/{each['metadata']['name']}"
            for each in applied
            if each["kind"].startswith("Cluster")
        )
        document = json.dumps({"apiVersion": "v1", "kind": "List", "items": applied})
        plane.kubectl("apply", "-f", "-", input=document)
        (deployment,) = (
            each
            for each in manifests
            if each["kind"] == "Deployment" and each["metadata"]["name"] == SERVICE_ACCOUNT
        )
        pod = deployment["spec"]["template"]
        environment = pod["spec"]["containers"][0]["env"]
        settings = {each["name"]: each["value"] for each in environment if "value" in each}
        return Install(system, watched, settings, pod)

    yield run
    for name in cluster_wide:
        plane.kubectl("delete", name)


def may(
    admin: Api, release: Install, verb: str, resource: str, *, namespace: str = "", name: str = ""
) -> bool:
    """Whether the release's service account may do that, as ``kubectl auth can-i`` tells."""
    plural, _, group = resource.partition(".")
    plural, _, subresource = plural.partition("/")
    attributes = {
        "verb": verb,
        "group": group,
        "resource": plural,
        "subresource": subresource,
        "namespace": namespace,
        "name": name,
    }
    review = {
        "apiVersion": ACCESS_REVIEW.api_version,
        "kind": ACCESS_REVIEW.kind,
        "spec": {
            "user": f"system:serviceaccount:{release.system}:{SERVICE_ACCOUNT}",
            "groups": ["system:serviceaccounts", f"system:serviceaccounts:{release.system}"],
            "resourceAttributes": attributes,
        },
    }
    answer = admin.in_namespace("").create_of(ACCESS_REVIEW, review)
    return bool(answer["status"]["allowed"])


def token_kubeconfig(plane: ControlPlane, system: str, directory: Path) -> Path:
    """Credentials as the kubelet gives them to the operator's pod."""
    token = plane.kubectl("create", "token", SERVICE_ACCOUNT, "--namespace", system).strip()
    authority = base64.b64encode(plane.ca_file.read_bytes()).decode()
    cluster: dict[str, Any] = {"server": plane.url, "certificate-authority-data": authority}
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "test", "cluster": cluster}],
        "users": [{"name": "operator", "user": {"token": token}}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "operator"}}],
        "current-context": "test",
    }
    file = directory / "kubeconfig"
    file.write_text(json.dumps(document))
    return file
