"""GPUs without a GPU: the node claims some, so that pods which ask for them are scheduled."""

import json

RESOURCE = "nvidia.com/gpu"


def claim_patch(count: int) -> str:
    """The JSON patch of a node's status that makes it claim ``count`` GPUs.

    The kubelet keeps extended resources that it does not manage itself.
    """
    escaped = RESOURCE.replace("/", "~1")
    return json.dumps(
        [
            {"op": "add", "path": f"/status/{part}/{escaped}", "value": str(count)}
            for part in ("capacity", "allocatable")
        ]
    )
