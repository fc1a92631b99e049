"""Many nodes that KWOK plays: the scheduler fills them, and their pods are ready at once.

Pods get no addresses, as nobody would answer there.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

from cluster.envtest import ADDRESS, ControlPlane, free_ports
from speaker_operator.kube.resources import NODE
from tests.apiserver.api import Api, Json, connect, eventually
from tests.support.addons import built
from tests.support.processes import running

TOOL = "kwok"
START_TIMEOUT = 60
ROOM = {"cpu": "64", "memory": "256Gi", "pods": "20"}
NODE_IS_READY = """
{{ $now := Now }}
phase: Running
conditions:
- {type: Ready, status: "True", reason: KubeletReady, message: played by KWOK, \
lastHeartbeatTime: {{ $now | Quote }}, lastTransitionTime: {{ $now | Quote }}}
"""
POD_SERVES = """
{{ $now := Now }}
phase: Running
startTime: {{ $now | Quote }}
conditions:
{{ range $kind := (list "Initialized" "ContainersReady" "Ready") }}
- {type: {{ $kind }}, status: "True", lastTransitionTime: {{ $now | Quote }}}
{{ end }}
initContainerStatuses:
{{ range .spec.initContainers }}
- name: {{ .name | Quote }}
  image: {{ .image | Quote }}
  imageID: ""
  ready: true
  restartCount: 0
  state: {terminated: {exitCode: 0, reason: Completed}}
{{ end }}
containerStatuses:
{{ range .spec.containers }}
- name: {{ .name | Quote }}
  image: {{ .image | Quote }}
  imageID: ""
  ready: true
  restartCount: 0
  state: {running: {startedAt: {{ $now | Quote }}}}
{{ end }}
"""


def _stage(name: str, kind: str, following: Json, *conditions: Json) -> Json:
    return {
        "apiVersion": "kwok.x-k8s.io/v1alpha1",
        "kind": "Stage",
        "metadata": {"name": name},
        "spec": {
            "resourceRef": {"apiGroup": "v1", "kind": kind},
            "selector": {"matchExpressions": list(conditions)},
            "next": following,
        },
    }


def _stages() -> list[Json]:
    """What becomes of nodes and pods, as KWOK is told."""
    phase = {"key": ".status.phase", "operator": "NotIn", "values": ["Running"]}
    ends = {"key": ".metadata.deletionTimestamp", "operator": "Exists"}
    stays = {**ends, "operator": "DoesNotExist"}
    return [
        _stage("node-is-ready", "Node", {"statusTemplate": NODE_IS_READY}, phase),
        _stage("pod-serves", "Pod", {"statusTemplate": POD_SERVES}, stays, phase),
        _stage("pod-ends", "Pod", {"delete": True}, ends),
    ]


@contextmanager
def kwok_nodes(
    control_plane: ControlPlane, folder: Path, count: int, resources: Json
) -> Iterator[None]:
    """A control plane has so many nodes with these resources while the context is open."""
    binaries = built(TOOL)
    stages = folder / "stages.yaml"
    stages.write_text(yaml.safe_dump_all(_stages()))
    (port,) = free_ports(1)
    command = [
        str(binaries.path(TOOL)),
        f"--kubeconfig={control_plane.kubeconfig}",
        f"--config={stages}",
        f"--server-address={ADDRESS}:{port}",
        "--manage-all-nodes",
        "--node-lease-duration-seconds=0",
    ]
    with (
        connect(control_plane) as api,
        running(command, folder / f"{TOOL}.log", HOME=str(folder)),
    ):
        everywhere = api.in_namespace("")
        for number in range(count):
            _register(everywhere, f"fake-{number}", {**ROOM, **resources})
        eventually(
            lambda: all(map(_is_ready, everywhere.list(NODE))),
            within=START_TIMEOUT,
            what="the nodes are Ready",
        )
        for node in everywhere.list(NODE):  # what the controller of nodes would do
            everywhere.patch(NODE, node["metadata"]["name"], {"spec": {"taints": None}})
        yield


def _register(everywhere: Api, name: str, resources: Json) -> None:
    metadata = {"name": name, "labels": {"kubernetes.io/hostname": name}}
    node = {"apiVersion": NODE.api_version, "kind": NODE.kind, "metadata": metadata}
    everywhere.create_of(NODE, node)
    everywhere.patch_status(NODE, name, capacity=resources, allocatable=resources)


def _is_ready(node: Json) -> bool:
    conditions = node["status"].get("conditions", ())
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
