"""The chart installs the operator with what it needs and no more, and refuses values it lacks."""

from pathlib import Path

import pytest
import yaml

from speaker_operator import settings
from speaker_operator.kube import rbac
from speaker_operator.render.labels import OPERATOR_LABELS
from tests.chart.conftest import Helm, of_kind, rendered

RULES = [rule.to_manifest() for rule in rbac.rules()]
REFERENCE_RULES = [rule.to_manifest() for rule in rbac.reference_rules()]
SECRET_RULES = [rule.to_manifest() for rule in rbac.secret_rules()]
OWN_RULES = [rule.to_manifest() for rule in rbac.own_rules("release-operator")]
CLUSTER_RULES = [rule.to_manifest() for rule in rbac.cluster_rules()]


def test_a_cluster_wide_install_gets_cluster_roles_alone(helm: Helm) -> None:
    manifests = rendered(helm)
    assert [role["rules"] for role in of_kind(manifests, "ClusterRole")] == [RULES, CLUSTER_RULES]
    (own,) = of_kind(manifests, "Role")
    assert (own["metadata"]["namespace"], own["rules"]) == ("system", OWN_RULES)


def test_a_namespaced_install_gets_a_role_in_each_namespace_and_nothing_wider(helm: Helm) -> None:
    manifests = rendered(helm, "--set", "watchNamespaces={one,two}")
    roles = {role["metadata"]["namespace"]: role["rules"] for role in of_kind(manifests, "Role")}
    assert roles == {"one": RULES, "two": RULES, "system": OWN_RULES}
    assert of_kind(manifests, "ClusterRole") == []
    assert of_kind(manifests, "ClusterRoleBinding") == []


def test_a_namespaced_install_may_be_let_to_look_at_nodes(helm: Helm) -> None:
    manifests = rendered(helm, "--set", "watchNamespaces={one}", "--set", "nodeAccess=true")
    assert [role["rules"] for role in of_kind(manifests, "ClusterRole")] == [CLUSTER_RULES]
    (binding,) = of_kind(manifests, "ClusterRoleBinding")
    (role,) = of_kind(manifests, "ClusterRole")
    assert binding["roleRef"]["name"] == role["metadata"]["name"]


def test_secrets_are_seen_only_where_it_is_asked_for(helm: Helm) -> None:
    assert all("secrets" not in str(role) for role in of_kind(rendered(helm), "ClusterRole"))
    asked = ("--set", "modelFetch.watchSecrets=true")
    everywhere = of_kind(rendered(helm, *asked), "ClusterRole")
    assert SECRET_RULES in [role["rules"] for role in everywhere]
    limited = rendered(helm, *asked, "--set", "watchNamespaces={one}")
    assert of_kind(limited, "ClusterRole") == []
    secrets = [role for role in of_kind(limited, "Role") if role["rules"] == SECRET_RULES]
    assert [role["metadata"]["namespace"] for role in secrets] == ["one"]
    names = {each["metadata"]["name"] for each in of_kind(limited, "RoleBinding")}
    assert secrets[0]["metadata"]["name"] in names


def test_secrets_with_recordings_are_read_only_where_it_is_asked_for(helm: Helm) -> None:
    asked = ("--set", "voices.readSecrets=true")
    everywhere = of_kind(rendered(helm, *asked), "ClusterRole")
    assert [*RULES, *REFERENCE_RULES] in [role["rules"] for role in everywhere]
    limited = rendered(helm, *asked, "--set", "watchNamespaces={one}")
    roles = {role["metadata"]["namespace"]: role["rules"] for role in of_kind(limited, "Role")}
    assert roles == {"one": [*RULES, *REFERENCE_RULES], "system": OWN_RULES}


def test_the_operator_gets_settings_that_it_knows(
    helm: Helm, monkeypatch: pytest.MonkeyPatch
) -> None:
    (deployment,) = of_kind(rendered(helm, "--set", "watchNamespaces={one}"), "Deployment")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    for variable in container["env"]:
        monkeypatch.setenv(variable["name"], variable["value"])
    loaded = settings.load()
    assert loaded.namespaces == ("one",)
    assert loaded.own_namespace == deployment["metadata"]["namespace"]
    assert OPERATOR_LABELS.items() <= deployment["spec"]["template"]["metadata"]["labels"].items()
    assert loaded.runtime_image == "speaker-tts-runtime:{engine}-0.1.0"


def test_the_environment_of_fetches_reaches_the_operator(
    helm: Helm, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    environment = {"PIP_INDEX_URL": "https://index.test/simple", "NO_PROXY": "a.test,b.test"}
    sources = [{"secretRef": {"name": "registries", "optional": True}}]
    values = tmp_path / "values.yaml"
    values.write_text(yaml.safe_dump({"modelFetch": {"env": environment, "envFrom": sources}}))
    (deployment,) = of_kind(rendered(helm, "--values", str(values)), "Deployment")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    for variable in container["env"]:
        monkeypatch.setenv(variable["name"], variable["value"])
    loaded = settings.load()
    assert loaded.model_fetch_env == environment
    assert [each.to_manifest() for each in loaded.model_fetch_env_from] == sources


def test_two_replicas_keep_apart_roll_one_by_one_and_are_drained_one_by_one(helm: Helm) -> None:
    manifests = rendered(helm)
    (deployment,) = of_kind(manifests, "Deployment")
    spec = deployment["spec"]
    assert spec["replicas"] == 2
    assert spec["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}
    (term,) = spec["template"]["spec"]["affinity"]["podAntiAffinity"][
        "preferredDuringSchedulingIgnoredDuringExecution"
    ]
    affine = term["podAffinityTerm"]
    assert affine["topologyKey"] == "kubernetes.io/hostname"
    assert affine["labelSelector"] == spec["selector"]
    (budget,) = of_kind(manifests, "PodDisruptionBudget")
    assert budget["spec"]["selector"] == spec["selector"]
    assert budget["spec"]["maxUnavailable"] == 1


def test_a_single_replica_has_no_budget_that_says_nothing(helm: Helm) -> None:
    assert of_kind(rendered(helm, "--set", "replicas=1"), "PodDisruptionBudget") == []


def test_the_affinity_of_the_values_wins(helm: Helm) -> None:
    manifests = rendered(helm, "--set", "affinity.nodeAffinity.x=y")
    (deployment,) = of_kind(manifests, "Deployment")
    affinity = deployment["spec"]["template"]["spec"]["affinity"]
    assert affinity == {"nodeAffinity": {"x": "y"}}


def test_each_release_has_a_lease_of_its_own(helm: Helm, monkeypatch: pytest.MonkeyPatch) -> None:
    manifests = rendered(helm)
    (deployment,) = of_kind(manifests, "Deployment")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    for variable in container["env"]:
        monkeypatch.setenv(variable["name"], variable["value"])
    lease = settings.load().lease_name
    assert lease == "release-operator"
    (role,) = of_kind(manifests, "Role")
    assert role["rules"] == [rule.to_manifest() for rule in rbac.own_rules(lease)]


def test_the_operator_runs_restricted(helm: Helm) -> None:
    (deployment,) = of_kind(rendered(helm), "Deployment")
    pod = deployment["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    (container,) = pod["containers"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def test_crds_stay_when_the_release_goes(helm: Helm) -> None:
    crds = of_kind(rendered(helm), "CustomResourceDefinition")
    assert len(crds) == 2
    for crd in crds:
        assert crd["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"


def test_crds_can_be_left_to_somebody_else(helm: Helm) -> None:
    manifests = rendered(helm, "--set", "crds.install=false")
    assert of_kind(manifests, "CustomResourceDefinition") == []


@pytest.mark.parametrize(
    ("value", "blamed"),
    [
        ("replicaCount=2", "replicaCount"),
        ("replicas=two", "replicas"),
        ("log.level=loud", "level"),
        ("image.pullPolicy=Sometimes", "pullPolicy"),
        ("watchNamespaces={Not_A_Namespace}", "watchNamespaces"),
        ("modelFetch.env.PIP-INDEX=x", "PIP-INDEX"),
        ("modelFetch.envFrom[0].secret=x", "modelFetch"),
    ],
)
def test_values_that_do_nothing_are_refused(helm: Helm, value: str, blamed: str) -> None:
    ended = helm("--set", value)
    assert ended.returncode != 0
    assert blamed in ended.stderr
