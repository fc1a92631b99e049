"""How what is behind a gateway fares, from what its pods say."""

from typing import Any

import pytest

from speaker_operator.api.v1alpha1.status import RouteStatus
from speaker_operator.reasons import Reason
from speaker_operator.reconcile.hearing import Hearing, Offer, Refusal, Run, Trouble, Word
from speaker_operator.reconcile.routestates import (
    offered,
    own_voices,
    route_states,
    routes_ready,
    routes_status,
)
from speaker_operator.render.routes import Route, route_manifest, routes
from tests.unit.speaker_operator.factories import service

SERVERS = [{"name": "far", "url": "https://far.example/v1"}]
FRONT = service("front", backend="gateway", gateway={"servers": SERVERS})
BEHIND = routes(FRONT, (service("one"),))
RUN = Run("uid-of-pod", 0)


def hearing(failed: dict[str, str], *taken: Route, trouble: Trouble | None = None) -> Hearing:
    """The only pod of the gateway says this of the routes that it has taken."""
    manifest = route_manifest(taken)
    known = Offer.of(manifest, manifest.to_json().encode(), revision=1)
    wanted = route_manifest(BEHIND)
    offer = Offer.of(wanted, wanted.to_json().encode(), revision=2)
    unready = {name: Refusal(Reason.REFUSED_BY_POD, why) for name, why in failed.items()}
    word = Word(RUN, offer.digest, taken=known, unready=unready, trouble=trouble)
    return Hearing(offer, {"front-1": word})


def states(heard: Hearing) -> dict[str, RouteStatus]:
    return {state.name: state for state in route_states(BEHIND, heard)}


def test_nobody_knows_before_a_pod_has_spoken() -> None:
    found = states(Hearing())
    assert {state.state for state in found.values()} == {"Pending"}
    assert routes_ready(list(found.values())).reason is Reason.ROLLING_OUT


def test_what_a_pod_reaches_is_ready_and_what_it_does_not_is_told_with_a_remedy() -> None:
    found = states(hearing({"far": "its certificate is not accepted"}, *BEHIND))
    assert found["one"].state == "Ready"
    assert found["far"].state == "Unreachable"
    assert str(found["far"].message).startswith("its certificate is not accepted; look at")
    finding = routes_ready(list(found.values()))
    assert (finding.status, finding.reason) == ("False", Reason.ROUTE_UNREACHABLE)
    assert finding.message.startswith("far: ")
    assert offered(FRONT, 0, list(found.values())) == "1 of 2 routes (not far)"
    assert routes_status(list(found.values())).ready == 1


def test_a_pod_that_has_older_routes_is_named() -> None:
    trouble = Trouble(Reason.POD_UNREACHABLE, "it did not answer within 2 s")
    found = states(hearing({}, BEHIND[0], trouble=trouble))
    assert found["one"].state == "Ready"
    assert found["far"].state == "Pending"
    assert "pod front-1 has other routes than declared: it did not answer" in str(
        found["far"].message
    )


def test_everything_reached_is_one_sentence() -> None:
    finding = routes_ready(list(states(hearing({}, *BEHIND)).values()))
    assert (finding.status, finding.message) == ("True", "Requests are handed on to 2 servers.")


def test_nothing_behind_a_gateway_is_told() -> None:
    assert routes_ready(()).reason is Reason.NO_ROUTES


@pytest.mark.parametrize(
    ("custom", "said"),
    [({"voices": ["luna", "sol"]}, "own voices: luna, sol;"), ({}, "has its own voices; Voice")],
)
def test_somebody_elses_server_has_its_own_voices(custom: dict[str, Any], said: str) -> None:
    finding = own_voices(service(backend="custom", image="moon:1", custom=custom))
    assert (finding.status, finding.reason) == ("True", Reason.OWN_VOICES)
    assert said in finding.message
