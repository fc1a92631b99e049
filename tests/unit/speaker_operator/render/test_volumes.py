"""Where models and spoken audio lie, and who may read them."""

from typing import Any

import pytest

from tests.unit.speaker_operator.factories import service
from tests.unit.speaker_operator.render.rendering import children, pod


def test_a_cache_that_is_not_retained_is_owned() -> None:
    claim = children(service(cache={"retain": False}))["PersistentVolumeClaim"]
    assert claim["metadata"]["ownerReferences"][0]["controller"] is True


def test_without_a_cache_the_model_ends_with_the_pod() -> None:
    assert "PersistentVolumeClaim" not in children(service())
    volumes = {volume["name"]: volume for volume in pod(service())["volumes"]}
    assert volumes["model"] == {"name": "model", "emptyDir": {"sizeLimit": "1Gi"}}


def test_an_existing_claim_is_mounted_and_not_rendered() -> None:
    of = service(cache={"existingClaim": "shared-models"})
    assert "PersistentVolumeClaim" not in children(of)
    assert {"claimName": "shared-models"} in [
        volume.get("persistentVolumeClaim") for volume in pod(of)["volumes"]
    ]


def test_spoken_audio_is_kept_in_a_volume_with_some_room_to_spare() -> None:
    spec = pod(service(serving={"audioCache": {"size": "100Mi"}}))
    volumes = {volume["name"]: volume for volume in spec["volumes"]}
    assert volumes["audio-cache"]["emptyDir"] == {"sizeLimit": "142Mi"}
    (runtime,) = spec["containers"]
    (fetch,) = spec["initContainers"]
    mount = {"name": "audio-cache", "mountPath": "/var/cache/speaker-tts"}
    assert mount in runtime["volumeMounts"]
    assert mount not in fetch["volumeMounts"]


def test_no_volume_is_made_where_nothing_is_kept() -> None:
    spec = pod(service(serving={"audioCache": {"size": 0}}))
    assert "audio-cache" not in {volume["name"] for volume in spec["volumes"]}


def test_the_shared_caches_address_comes_from_its_secret_alone() -> None:
    redis = {"secretKeyRef": {"name": "cache", "key": "address"}}
    of = service(serving={"audioCache": {"redis": redis}})
    (runtime,) = pod(of)["containers"]
    assert runtime["env"] == [
        {
            "name": "SPEAKER_TTS_SHARED_CACHE_URL",
            "valueFrom": {"secretKeyRef": {"name": "cache", "key": "address"}},
        }
    ]
    assert "redis" not in str(children(of)["ConfigMap"])


@pytest.mark.parametrize(
    ("source", "mounted"),
    [
        ("pvc://models/kokoro", "/claims/models"),
        (f"pvc://models@sha256:{'a' * 64}", "/claims/models"),
        ("https://models.example/kokoro", None),
    ],
)
def test_a_claim_that_a_model_is_copied_from_is_mounted_where_it_is_fetched(
    source: str, mounted: str | None
) -> None:
    spec = pod(service(model={"source": source}))
    mounts = {each["name"]: each for each in spec["initContainers"][0]["volumeMounts"]}
    volumes = {each["name"]: each for each in spec["volumes"]}
    if mounted is None:
        assert "source" not in mounts | volumes
    else:
        assert mounts["source"] == {"name": "source", "mountPath": mounted, "readOnly": True}
        assert volumes["source"]["persistentVolumeClaim"] == {
            "claimName": "models",
            "readOnly": True,
        }
    assert "source" not in {each["name"] for each in spec["containers"][0]["volumeMounts"]}


def test_a_claim_that_is_source_and_cache_can_be_written() -> None:
    of = service(model={"source": "pvc://models/kokoro"}, cache={"existingClaim": "models"})
    volumes = {each["name"]: each for each in pod(of)["volumes"]}
    assert "readOnly" not in volumes["source"]["persistentVolumeClaim"]


@pytest.mark.parametrize(
    ("cache", "together"),
    [
        (None, False),
        ({"size": "1Gi"}, True),
        ({"accessMode": "ReadWriteMany"}, False),
        ({"accessMode": "ReadWriteOncePod"}, False),
        ({"existingClaim": "shared"}, False),
    ],
)
def test_pods_share_a_node_only_for_a_volume_that_one_node_mounts(
    cache: dict[str, Any] | None, together: bool
) -> None:
    assert ("affinity" in pod(service(cache=cache))) is together
