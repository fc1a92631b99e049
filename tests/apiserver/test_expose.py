"""The ways to a service from outside: an Ingress, and an HTTPRoute where there is the kind."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from cluster.binaries import Binaries
from cluster.config import Config
from cluster.envtest import ControlPlane
from speaker_operator.kube.resources import HTTP_ROUTE, INGRESS, TTS_SERVICE
from tests.apiserver.api import Api, Json, Refused, eventually, service
from tests.apiserver.children import SETTLE_TIMEOUT, quiesce, settle
from tests.apiserver.kubelet import roll_out
from tests.apiserver.operator_process import OperatorProcess
from tests.support.kubernetes import condition

pytestmark = pytest.mark.apiserver

COMING_TIMEOUT = 10
ROUTE: Json = {
    "parentRefs": [{"name": "public", "namespace": "gateways", "sectionName": "https"}],
    "hostnames": ["speech.example.com"],
    "timeout": "0s",
    "annotations": {"example.com/buffering": "off"},
}


@contextmanager
def gateway_api(control_plane: ControlPlane, api: Api) -> Iterator[None]:
    """The cluster has HTTPRoutes while the context is open."""

    def served() -> bool:
        try:
            api.list(HTTP_ROUTE)
        except Refused:
            return False
        return True

    (crd,) = Binaries.of_user(Config.load()).assets("gateway-api")
    control_plane.kubectl("apply", "--server-side", "-f", str(crd))
    eventually(served, within=COMING_TIMEOUT, what="HTTPRoutes are served")
    try:
        yield
    finally:
        control_plane.kubectl("delete", "-f", str(crd))
        eventually(lambda: not served(), within=COMING_TIMEOUT, what="they are no more")


def ready(api: Api) -> Json:
    return condition(api.require(TTS_SERVICE, "hello"), "Ready")


def test_an_ingress_leads_to_the_service_and_goes_when_nobody_asks_for_it(
    api: Api, operator: OperatorProcess
) -> None:
    annotations = {"nginx.ingress.kubernetes.io/proxy-buffering": "off"}
    wanted = {"host": "speech.example.com", "className": "nginx", "tlsSecret": "certificate"}
    api.declare(service(expose={"ingress": {**wanted, "annotations": annotations}}))
    settle(api)
    made = api.require(INGRESS, "hello")
    assert made["metadata"]["annotations"] == annotations
    spec = made["spec"]
    assert spec["ingressClassName"] == "nginx"
    assert spec["tls"] == [{"hosts": ["speech.example.com"], "secretName": "certificate"}]
    (rule,) = spec["rules"]
    (path,) = rule["http"]["paths"]
    assert (rule["host"], path["path"], path["pathType"]) == ("speech.example.com", "/", "Prefix")
    assert path["backend"]["service"] == {"name": "hello", "port": {"name": "http"}}
    api.patch(TTS_SERVICE, "hello", {"spec": {"expose": {"ingress": None}}})
    eventually(
        lambda: api.get(INGRESS, "hello") is None, within=SETTLE_TIMEOUT, what="the Ingress is gone"
    )


def test_a_route_is_made_where_the_cluster_has_the_kind_and_missed_where_not(
    api: Api, apiserver: ControlPlane, operator: OperatorProcess
) -> None:
    api.declare(service(expose={"port": 8000, "httpRoute": ROUTE}))
    settle(api)
    assert ready(api)["reason"] == "GatewayAPIMissing"
    assert "install the Gateway API, or use spec.expose.ingress" in ready(api)["message"]
    with gateway_api(apiserver, api):
        made = eventually(
            lambda: api.get(HTTP_ROUTE, "hello"), within=COMING_TIMEOUT, what="the route is there"
        )
        assert made["metadata"]["annotations"] == ROUTE["annotations"]
        (parent,) = made["spec"]["parentRefs"]
        assert ROUTE["parentRefs"][0].items() <= parent.items()
        assert made["spec"]["hostnames"] == ROUTE["hostnames"]
        (rule,) = made["spec"]["rules"]
        assert rule["timeouts"] == {"request": "0s"}
        (backend,) = rule["backendRefs"]
        assert (backend["name"], backend["port"]) == ("hello", 8000)
        roll_out(api)
        eventually(
            lambda: ready(api)["status"] == "True", within=SETTLE_TIMEOUT, what="hello is Ready"
        )
        quiesce(operator)
        unchanged = api.require(HTTP_ROUTE, "hello")["metadata"]["resourceVersion"]
        assert unchanged == made["metadata"]["resourceVersion"], "what the API server adds is left"
        api.patch(HTTP_ROUTE, "hello", {"spec": {"hostnames": ["other.example.com"]}})
        eventually(
            lambda: api.require(HTTP_ROUTE, "hello")["spec"]["hostnames"] == ROUTE["hostnames"],
            within=SETTLE_TIMEOUT,
            what="an edited route is put back",
        )
