"""Which model cache a service uses, and what a cache that several services share looks like.

A cache belongs to a namespace and an address: whoever names the same address shares it, except
that a backend which makes files of its own of what is published shares with nobody else. It is
filled by one Job, and only then pods are let loose on it. Three kinds of models are brought by the
pods themselves instead: those of services without a cache, those on volumes that one pod at a time
can mount, and those that are part of the image anyway.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal

from speaker_operator.api.quantity import parse_duration, parse_quantity
from speaker_operator.api.v1alpha1 import TTSService
from speaker_operator.api.v1alpha1.model import CacheSpec
from speaker_operator.render import names
from speaker_operator.render.images import ImageSettings
from speaker_operator.render.runtime_config import model_key

AccessMode = Literal["ReadWriteOnce", "ReadWriteMany", "ReadWriteOncePod"]

_IN_IMAGE: Final = "package://"
_FOLLOWS_IMAGE: Final = "catalogue://"
_ONE_POD: Final = "ReadWriteOncePod"


@dataclass(frozen=True)
class Place:
    """Where the model of a service is kept."""

    kind: Literal["shared", "private", "existing"]
    """A claim of the operator's for many services, one for a single service, or people's own."""
    key: str
    """Tells caches of a namespace apart; a label's value."""
    claim: str
    source: str

    @property
    def by_job(self) -> bool:
        """Whether a Job fills it; else every pod does for itself."""
        return self.kind != "private" and not self.source.startswith(_IN_IMAGE)


def place_of(service: TTSService) -> Place | None:
    """Where the service's model is kept; None where it ends with the pod."""
    cache, source = service.spec.cache, service.model_source
    if cache is None or not service.has_model:
        return None
    return _place(service, cache, source)


def _place(service: TTSService, cache: CacheSpec, source: str) -> Place:
    service_name, identity = service.metadata.name, service.model_identity
    if cache.existing_claim is not None:
        key = model_key(f"{cache.existing_claim} {identity}")
        return Place("existing", key, cache.existing_claim, source)
    if cache.access_mode == _ONE_POD or source.startswith(_IN_IMAGE):
        key = model_key(f"{service_name} of one service")
        return Place("private", key, names.private_claim(service_name), source)
    key = model_key(identity)
    return Place("shared", key, names.shared_cache(source, key), source)


@dataclass(frozen=True)
class ModelCache:
    """A cache that a Job fills, as those who share it want it."""

    place: Place
    users: tuple[TTSService, ...]
    """At least one; the oldest comes first, and decides what cannot be shared."""
    content: str
    """Digest of what belongs into it; it changes with the image where the model follows it."""

    @property
    def lead(self) -> TTSService:
        """The service whose image and placement the Job takes."""
        return self.users[0]

    @cached_property
    def _specs(self) -> list[CacheSpec]:
        return [service.spec.cache for service in self.users if service.spec.cache is not None]

    @property
    def size(self) -> str:
        """Size of the volume: the largest that is asked for."""
        sizes = (
            str(service.spec.cache.size or service.backend.cache_size)
            for service in self.users
            if service.spec.cache is not None
        )
        return max(sizes, key=parse_quantity)

    @property
    def storage_class(self) -> str | None:
        """Storage class of the volume: the first that is asked for."""
        return next(
            (each.storage_class_name for each in self._specs if each.storage_class_name), None
        )

    @property
    def access_mode(self) -> AccessMode:
        """Access mode of the volume: the first that is asked for."""
        return next((each.access_mode for each in self._specs if each.access_mode), "ReadWriteOnce")

    @property
    def retain(self) -> str:
        """What becomes of the volume once nobody uses it: true, false, or how long it stays."""
        return retention(self._specs)

    @property
    def accept_license(self) -> str | None:
        """The licence that one of the users accepts, if any does."""
        accepted = (service.spec.model.accept_license for service in self.users)
        return next((each for each in accepted if each), None)

    @property
    def credentials(self) -> str | None:
        """The Secret that one of the users names, if any does."""
        named = (service.spec.model.credentials_secret for service in self.users)
        return next((each for each in named if each), None)

    @property
    def suspended(self) -> bool:
        """Whether nobody wants the model now."""
        return all(service.spec.suspend for service in self.users)

    @property
    def on_one_node(self) -> bool:
        """Whether all pods that mount it have to be on one node."""
        return self.place.kind == "shared" and self.access_mode == "ReadWriteOnce"

    def conflict(self, service: TTSService) -> str | None:
        """What the service asks for that the others have decided otherwise; None if nothing."""
        spec = service.spec.cache
        if spec is None or self.place.kind != "shared":
            return None
        decided = {
            "storageClassName": (spec.storage_class_name, self.storage_class),
            "accessMode": (spec.access_mode, self.access_mode),
        }
        for field, (wanted, given) in decided.items():
            if wanted is not None and wanted != given:
                return (
                    f"the cache of {self.place.source} is shared with {self.lead.metadata.name}, "
                    f"and has the {field} {given}, not {wanted}"
                )
        return None


def model_cache(users: Iterable[TTSService], images: ImageSettings) -> ModelCache | None:
    """The cache of services that share one; None where no Job fills it.

    Raises:
        ValueError: They do not share one.
    """
    ordered = sorted(
        users, key=lambda each: (each.metadata.creation_timestamp or "", each.metadata.name)
    )
    places = {place_of(each) for each in ordered}
    if len(places) != 1:
        raise ValueError("these services do not share a cache")
    (place,) = places
    if place is None or not place.by_job:
        return None
    image = images.fetch_image(ordered[0]) if place.source.startswith(_FOLLOWS_IMAGE) else ""
    content = hashlib.sha256(f"{place.key} {image}".encode()).hexdigest()[:16]
    return ModelCache(place, tuple(ordered), content)


def retention(specs: Iterable[CacheSpec]) -> str:
    """What becomes of a volume once nobody uses it, where the specs' owners share it."""
    kept = [each for each in specs if each.retain is not False]
    if not kept:
        return "false"
    times = [each.retain_for for each in kept if each.retain_for is not None]
    return max(times, key=parse_duration) if len(times) == len(kept) else "true"
