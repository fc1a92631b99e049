"""What servers list, however they list it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speaker_runtime.contract import Upstream
from speaker_runtime.services.gateway import outward
from speaker_runtime.services.gateway.offering import UnreadableError, read_models, read_voices

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def test_voices_come_as_objects_or_as_bare_names() -> None:
    listed = {"voices": [{"id": "ana", "name": "Ana", "aliases": ["nova"]}, "luna"]}
    first, second = read_voices(json.dumps(listed).encode())
    assert (first.name, first.aliases, first.told["name"]) == ("ana", ("nova",), "Ana")
    assert (second.name, second.aliases) == ("luna", ())


@given(JSON)
def test_anything_else_is_unreadable_and_nothing_worse(document: object) -> None:
    body = json.dumps(document).encode()
    for read in (read_models, read_voices):
        try:
            assert isinstance(read(body), tuple)
        except UnreadableError:
            continue


@pytest.mark.parametrize(
    ("kind", "url", "speech", "health"),
    [
        (
            "speaker",
            "http://a.b.svc:81",
            "http://a.b.svc:81/v1/audio/speech",
            "http://a.b.svc:81/h",
        ),
        ("openai", "https://api.x/v1/", "https://api.x/v1/audio/speech", "https://api.x/h"),
    ],
)
def test_addresses_are_made_of_the_declared_one(
    kind: str, url: str, speech: str, health: str
) -> None:
    upstream = Upstream.model_validate({"name": "x", "kind": kind, "url": url})
    assert outward.address(upstream, "/audio/speech") == speech
    assert outward.root_address(upstream, "/h") == health


@pytest.mark.parametrize(
    "url", ["ftp://x", "http://user:pw@x", "http://x?y=z", "//x", "http://", "http://x y"]
)
def test_an_address_that_is_none_or_holds_a_password_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="url"):
        Upstream(name="x", url=url)
