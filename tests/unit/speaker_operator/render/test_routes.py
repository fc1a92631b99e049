"""What is behind a gateway, and how its pods and policies follow from it."""

import json
from dataclasses import replace
from typing import Any

import pytest

from speaker_operator.api.v1alpha1 import TTSService
from speaker_operator.render.children import render
from speaker_operator.render.routes import route_manifest, routes, selects
from speaker_runtime.contract import CONFIG_FILE, ROUTES_FILE, RouteManifest
from tests.unit.speaker_operator.factories import SETTINGS, service

FAR = {"name": "far", "url": "https://far.example/v1"}
KEYED = {**FAR, "apiKeySecret": {"name": "far-key"}}


def labelled(name: str, labels: dict[str, str] | None = None, /, **spec: Any) -> TTSService:
    made = service(name, **spec)
    metadata = made.metadata.model_copy(update={"labels": labels or {}})
    return made.model_copy(update={"metadata": metadata})


ONE, TWO = labelled("one", {"speech": "public"}), labelled("two", expose={"port": 81})
OTHER = labelled("other", backend="gateway")
CUSTOM = labelled(
    "moon",
    backend="custom",
    image="moon:1",
    custom={"apiPath": "/openai/v1", "readyPath": "/ok", "voices": ["luna"]},
)


def gateway(**spec: Any) -> TTSService:
    return service("front", backend="gateway", **({"gateway": spec} if spec else {}))


def names(of: TTSService) -> list[str]:
    return [each.name for each in routes(of, (ONE, TWO, OTHER))]


@pytest.mark.parametrize(
    ("services", "wanted"),
    [
        ({}, ["one", "two"]),
        ({"selector": {"matchLabels": {"speech": "public"}}}, ["one"]),
        ({"names": ["two"]}, ["two"]),
        ({"names": ["two"], "selector": {"matchLabels": {"speech": "public"}}}, ["one", "two"]),
        ({"selector": {}}, ["one", "two"]),
    ],
)
def test_services_are_chosen_by_labels_and_by_name(
    services: dict[str, Any], wanted: list[str]
) -> None:
    assert names(gateway(services=services)) == wanted


def test_services_of_other_namespaces_and_gateways_are_never_behind_one() -> None:
    elsewhere = ONE.model_copy(
        update={"metadata": ONE.metadata.model_copy(update={"namespace": "elsewhere"})}
    )
    assert not selects(gateway(), elsewhere)
    assert not selects(gateway(), OTHER)
    assert not selects(ONE, TWO), "only a gateway has anything behind it"


def test_a_name_that_means_nothing_is_told_and_not_handed_on() -> None:
    found = routes(gateway(services={"names": ["one", "ghost", "other"]}), (ONE, TWO, OTHER))
    assert [each.name for each in route_manifest(found).upstreams] == ["one"]
    problems = {each.name: each.problem for each in found if each.problem}
    assert "no TTSService named ghost" in problems["ghost"]
    assert "is a gateway itself" in problems["other"]


def test_a_server_with_the_name_of_a_service_gives_way() -> None:
    found = routes(gateway(servers=[{**FAR, "name": "one"}]), (ONE,))
    assert [each.url for each in route_manifest(found).upstreams] == ["http://one.speech.svc"]
    assert "is named one, too" in found[-1].problem


def test_the_gateway_is_told_where_everything_is() -> None:
    front = gateway(servers=[KEYED])
    documents = _child(front, "ConfigMap", TWO, CUSTOM)["data"]
    assert json.loads(documents[CONFIG_FILE])["answerSeconds"] == 120
    two, moon, far = _sorted(RouteManifest.model_validate_json(documents[ROUTES_FILE]))
    assert (two.url, two.kind) == ("http://two.speech.svc:81", "speaker")
    assert (moon.url, moon.kind) == ("http://moon.speech.svc/openai/v1", "openai")
    assert (moon.ready_path, moon.voices) == ("/ok", ("luna",))
    assert (far.url, str(far.key_file)) == (FAR["url"], "/etc/speaker-tts-keys/far/key")


def _sorted(manifest: RouteManifest) -> list[Any]:
    order = ["two", "moon", "far"]
    return sorted(manifest.upstreams, key=lambda each: order.index(each.name))


def test_a_key_is_a_file_and_routes_are_no_reason_to_replace_pods() -> None:
    front = gateway(servers=[KEYED])
    alone, among = _template(front), _template(front, ONE, TWO)
    assert alone == among
    spec = alone["spec"]
    assert "initContainers" not in spec, "there is no model to fetch"
    (key,) = [each for each in spec["volumes"] if each["name"] == "key-far"]
    assert key["secret"]["secretName"] == "far-key"
    assert key["secret"]["optional"], "one missing key does not keep the others from being served"
    mounts = [each["mountPath"] for each in spec["containers"][0]["volumeMounts"]]
    assert mounts == ["/etc/speaker-tts", "/tmp", "/etc/speaker-tts-keys/far"]


def test_a_policy_that_lists_who_may_come_lets_in_the_gateways_in_front() -> None:
    listed = labelled("one", networkPolicy={"enabled": True, "allowFrom": []})
    front, aside = (
        gateway(),
        service("aside", backend="gateway", gateway={"services": {"names": ["x"]}}),
    )
    settings = replace(SETTINGS, services=(front, aside))
    (policy,) = [each for each in render(listed, (), settings) if each["kind"] == "NetworkPolicy"]
    peers = policy["spec"]["ingress"][0]["from"]
    assert peers == [{"podSelector": {"matchLabels": {"speaker-tts.dev/service": "front"}}}]


def test_a_gateways_own_policy_lets_it_reach_what_is_behind_it() -> None:
    front = service("front", backend="gateway", networkPolicy={"enabled": True, "allowTo": []})
    policy = _child(front, "NetworkPolicy", ONE, TWO)
    _, rule = policy["spec"]["egress"]
    reached = [each["podSelector"]["matchLabels"]["speaker-tts.dev/service"] for each in rule["to"]]
    assert reached == ["one", "two"]


def test_somebody_elses_server_runs_as_it_is_described() -> None:
    custom = service(
        backend="custom",
        image="ghcr.io/example/speech:1",
        model={"source": "hf://owner/model@main"},
        cache={"size": "5Gi"},
        gpu={"count": 1},
        custom={
            "port": 8880,
            "readyPath": "/ready",
            "livePath": "/live",
            "metricsPath": "/stats",
            "modelPath": "/weights",
            "args": ["--fast"],
            "env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}],
        },
    )
    template = _template(custom)
    (container,) = template["spec"]["containers"]
    assert container["image"] == "ghcr.io/example/speech:1"
    assert container["args"] == ["--fast"]
    assert "command" not in container
    assert container["ports"][0]["containerPort"] == 8880
    assert container["readinessProbe"]["httpGet"]["path"] == "/ready"
    assert container["startupProbe"]["httpGet"]["path"] == "/ready"
    assert container["livenessProbe"]["httpGet"]["path"] == "/live"
    assert container["resources"]["limits"]["nvidia.com/gpu"] == "1"
    assert container["env"][1] == {
        "name": "A",
        "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}},
    }
    model = container["env"][0]["value"]
    mount = next(each for each in container["volumeMounts"] if each["name"] == "model")
    assert (mount["mountPath"], mount["readOnly"]) == ("/weights", True)
    assert model.startswith("/weights/")
    (fetch,) = template["spec"]["initContainers"]
    assert fetch["image"] == "speaker-tts-runtime:cpu-1.2.3", "their image fetches no model of ours"
    annotations = template["metadata"]["annotations"]
    assert annotations["prometheus.io/path"] == "/stats"
    kept = json.loads(_child(custom, "ConfigMap")["data"][CONFIG_FILE])["model"]["directory"]
    assert kept.rpartition("/")[2] == model.rpartition("/")[2], "the fetch fills what is mounted"


def test_a_custom_server_without_a_model_has_nothing_of_one() -> None:
    spec = _template(service(backend="custom", image="speech:1"))["spec"]
    assert "initContainers" not in spec
    assert {each["name"] for each in spec["volumes"]} == {"tmp"}
    assert "tcpSocket" in spec["containers"][0]["livenessProbe"]


def _child(of: TTSService, kind: str, *services: TTSService) -> dict[str, Any]:
    rendered = render(of, (), replace(SETTINGS, services=services))
    return next(each for each in rendered if each["kind"] == kind)


def _template(of: TTSService, *services: TTSService) -> dict[str, Any]:
    template: dict[str, Any] = _child(of, "Deployment", *services)["spec"]["template"]
    return template
