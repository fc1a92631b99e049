"""Who keeps services and voices in git sees no difference that the operator made."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from speaker_operator.kube.resources import resource_of
from tests.apiserver.api import Api, Json, eventually, service, voice
from tests.apiserver.operator_process import OperatorProcess

pytestmark = pytest.mark.apiserver

EXAMPLES = sorted(path.name for path in Path("examples").glob("*.yaml"))
TIMEOUT = 10
DEPLOYER = "argocd-controller"
BOOKKEEPING = ("managedFields", "resourceVersion")


def observed(api: Api, manifest: Json) -> Json | None:
    """The object, once the operator has said something about what was declared."""
    live = api.require(resource_of(manifest), manifest["metadata"]["name"])
    told = live["status"].get("conditions", ())
    seen = live["status"]["observedGeneration"] == live["metadata"]["generation"]
    return live if seen and told else None


def substance(manifest: Json) -> Json:
    """The object without what the API server keeps for itself."""
    metadata = {k: v for k, v in manifest["metadata"].items() if k not in BOOKKEEPING}
    return {**manifest, "metadata": metadata}


@pytest.mark.parametrize("example", EXAMPLES)
def test_applying_an_example_again_would_change_nothing(
    api: Api, operator: OperatorProcess, repository: Path, example: str
) -> None:
    text = (repository / "examples" / example).read_text("utf-8")
    manifests: list[dict[str, Any]] = [each for each in yaml.safe_load_all(text) if each]
    for manifest in manifests:
        api.apply(manifest, DEPLOYER)
    for manifest in manifests:
        live = eventually(
            lambda wanted=manifest: observed(api, wanted),  # type: ignore[misc] # mypy: defaults
            within=TIMEOUT,
            what=f"{manifest['metadata']['name']} is observed",
        )
        for manager in (DEPLOYER, "somebody-else"):
            dry = {"dryRun": "All", "force": "true", "fieldValidation": "Strict"}
            again = api.apply(manifest, manager, **dry)
            assert substance(again) == substance(live)


@pytest.mark.parametrize("manifest", [service(), voice()], ids=["service", "voice"])
def test_an_object_that_nobody_has_seen_yet_says_so(api: Api, manifest: Json) -> None:
    """Else whoever waits by kstatus would take it for done."""
    created = api.create(manifest, dryRun="All")
    assert created["status"]["observedGeneration"] == -1
