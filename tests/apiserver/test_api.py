"""The CRDs on a real API server: what it accepts, what it refuses, and what kubectl shows."""

from pathlib import Path

import pytest
import yaml

from cluster.envtest import ControlPlane
from speaker_operator.kube.resources import TTS_SERVICE
from tests.apiserver.api import Api, Refused, service
from tests.support.figures import RecordFigure
from tests.unit.speaker_operator.api.table import WrongManifest, wrong_manifests

pytestmark = pytest.mark.apiserver

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.yaml"))
TABLE = wrong_manifests()


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_is_accepted(api: Api, example: Path) -> None:
    for document in yaml.safe_load_all(example.read_text()):
        assert api.create(document, fieldValidation="Strict")


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.case)
def test_a_wrong_manifest_is_refused_with_its_field_and_the_remedy(
    api: Api, row: WrongManifest
) -> None:
    with pytest.raises(Refused) as refused:
        api.create(row.manifest, fieldValidation="Strict")
    assert row.field in str(refused.value)
    assert row.server in str(refused.value)


def test_the_refusals_are_counted(record_figure: RecordFigure) -> None:
    record_figure("wrong manifests refused at admission", len(TABLE), "", goal=">= 25")
    assert len(TABLE) >= 25


def test_a_cache_can_grow_and_cannot_shrink(api: Api) -> None:
    api.declare(service(cache={"size": "2Gi"}))
    api.patch(TTS_SERVICE, "hello", {"spec": {"cache": {"size": "3Gi"}}})
    with pytest.raises(Refused, match=r"spec\.cache\.size.*size can only grow"):
        api.patch(TTS_SERVICE, "hello", {"spec": {"cache": {"size": "1Gi"}}})


def test_services_scale_like_deployments(api: Api, apiserver: ControlPlane) -> None:
    api.declare(service())
    apiserver.kubectl("scale", "tts/hello", "--replicas=3", "-n", api.namespace)
    assert api.require(TTS_SERVICE, "hello")["spec"]["replicas"] == 3


@pytest.mark.parametrize(
    ("name", "columns"),
    [
        ("tts", "NAME READY BACKEND VOICES SERVING REPLICAS AGE"),
        ("voices", "NAME READY LANGUAGES PRESET SERVICES AGE"),
        ("ttsvoice", "NAME READY LANGUAGES PRESET SERVICES AGE"),
    ],
)
def test_kubectl_shows_state_in_columns(
    api: Api, apiserver: ControlPlane, repository: Path, name: str, columns: str
) -> None:
    example = str(repository / "examples" / "quickstart.yaml")
    apiserver.kubectl("apply", "-f", example, "-n", api.namespace)
    header = apiserver.kubectl("get", name, "-n", api.namespace).splitlines()[0]
    assert header.split() == columns.split()


def test_the_wide_columns_say_why(api: Api, apiserver: ControlPlane) -> None:
    api.declare(service())
    header = apiserver.kubectl("get", "tts", "-o", "wide", "-n", api.namespace).splitlines()[0]
    assert {"URL", "REASON", "MESSAGE"} <= set(header.split())


def test_a_category_lists_everything(api: Api, apiserver: ControlPlane, repository: Path) -> None:
    example = str(repository / "examples" / "quickstart.yaml")
    apiserver.kubectl("apply", "-f", example, "-n", api.namespace)
    listed = apiserver.kubectl("get", "speaker", "-o", "name", "-n", api.namespace).split()
    assert listed == ["ttsservice.speaker-tts.dev/hello", "voice.speaker-tts.dev/ana"]


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("tts.spec.cache.retain", "Where services share it, one that wants to keep it is enough"),
        ("tts.spec.autoscaling", "Lets the number of pods follow the load"),
        ("voice.spec.aliases", "Within one service an alias belongs to one voice"),
    ],
)
def test_kubectl_explains_every_field(apiserver: ControlPlane, path: str, words: str) -> None:
    explained = " ".join(apiserver.kubectl("explain", path).split())
    assert words in explained
