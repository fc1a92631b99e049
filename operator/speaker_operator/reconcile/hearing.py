"""What a service's pods have said about the voices that they were offered. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, Self

from speaker_operator.kube.resources import POD, JsonObject
from speaker_operator.reasons import Reason
from speaker_operator.render.names import HTTP_PORT_NAME, RUNTIME_CONTAINER
from speaker_runtime.contract import Document, Manifest, digest_of


@dataclass(frozen=True)
class Offer:
    """A manifest of voices, or of routes, as it is sent to pods."""

    body: bytes
    digest: str
    revision: int
    """Grows with every manifest of the service."""
    entries: Mapping[str, Document]
    path: str
    """Where pods take it."""

    @classmethod
    def of(cls, manifest: Manifest, body: bytes, revision: int) -> Self:
        """The offer of a manifest that is written so."""
        return cls(body, digest_of(body), revision, manifest.entries, manifest.sync_path)


class Run(NamedTuple):
    """One process of a pod: a container that is started again knows only what its files say."""

    pod_uid: str
    restarts: int


@dataclass(frozen=True)
class ReadyPod:
    """A pod whose runtime serves."""

    name: str
    run: Run
    url: str


def ready_pods(objects: Iterable[JsonObject]) -> list[ReadyPod]:
    """The pods that serve, of any revision of the service, by name."""
    pods = (ready_pod(each) for each in objects if each["kind"] == POD.kind)
    return sorted((pod for pod in pods if pod is not None), key=lambda pod: pod.name)


def ready_pod(pod: JsonObject) -> ReadyPod | None:
    """The pod, if it serves and is to go on serving."""
    metadata, status = pod["metadata"], pod.get("status", {})
    address = status.get("podIP")
    runtime: JsonObject = next(
        (each for each in status.get("containerStatuses", ()) if each["name"] == RUNTIME_CONTAINER),
        {},
    )
    port = _port(pod)
    if "deletionTimestamp" in metadata or _is_lost(status):
        return None
    if not (runtime.get("ready") and address and port):
        return None
    host = f"[{address}]" if ":" in address else address
    run = Run(metadata["uid"], runtime.get("restartCount", 0))
    return ReadyPod(metadata["name"], run, f"http://{host}:{port}")


def _is_lost(status: JsonObject) -> bool:
    """Whether the pod is not ready, though its container was when the node was last heard of."""
    conditions = status.get("conditions", ())
    return any(each["type"] == "Ready" and each["status"] != "True" for each in conditions)


def _port(pod: JsonObject) -> int | None:
    for container in pod.get("spec", {}).get("containers", ()):
        if container["name"] == RUNTIME_CONTAINER:
            for port in container.get("ports", ()):
                if port.get("name") == HTTP_PORT_NAME:
                    return int(port["containerPort"])
    return None


class Trouble(NamedTuple):
    """Why a pod did not take an offer."""

    reason: Reason
    message: str


class Refusal(NamedTuple):
    """Why a pod cannot speak with a voice."""

    reason: Reason
    message: str

    @property
    def is_passing(self) -> bool:
        """Whether it only takes its time."""
        return self.reason is Reason.PREPARING


@dataclass(frozen=True)
class Word:
    """What one pod said last."""

    run: Run
    tried: str
    """Digest of the offer that it was sent last."""
    taken: Offer | None = None
    """What it serves, as far as it has said."""
    unready: Mapping[str, Refusal] | None = None
    """The voices among them that cannot speak, or not yet."""
    trouble: Trouble | None = None
    """Why it did not take what it was sent last."""
    is_final: bool = True
    """Whether there is nothing more to hear from it of this offer."""


@dataclass(frozen=True)
class Hearing:
    """What the ready pods of a service say, by their names; None of those not asked yet.

    A pod that was not asked yet is presumed to have begun with what there was: it changes nothing
    until it has said what it serves.
    """

    offer: Offer | None = None
    """What is offered; None until the service's configuration is written."""
    words: Mapping[str, Word | None] | None = None

    @cached_property
    def said(self) -> dict[str, Word]:
        """The words of the pods that were asked."""
        return {name: word for name, word in (self.words or {}).items() if word is not None}

    @property
    def settling(self) -> bool:
        """Whether an answer to the offer is to come any moment.

        Pods that did not answer the last time are not waited for.
        """
        return self.offer is not None and any(
            word is None or (word.trouble is None and word.tried != self.offer.digest)
            for word in (self.words or {}).values()
        )

    @property
    def behind(self) -> tuple[str, Trouble] | None:
        """The first pod that has not taken the offer, and why not."""
        for name, word in self.said.items():
            if self.offer is None or word.taken is None or word.taken.digest != self.offer.digest:
                return name, word.trouble or Trouble(Reason.SYNCING, "it has yet to take them")
        return None

    def lacking(self, voice: str) -> tuple[str, Trouble] | None:
        """The first pod that does not serve the voice as offered, and why not."""
        for name, word in self.said.items():
            wanted = self.offer.entries.get(voice) if self.offer else None
            if wanted is None or word.taken is None or word.taken.entries.get(voice) != wanted:
                return name, word.trouble or Trouble(Reason.SYNCING, "it has yet to take the voice")
        return None

    def refusal(self, voice: str) -> Refusal | None:
        """Why a pod cannot speak with the voice, if any cannot; what does not pass comes first."""
        told = ((word.unready or {}).get(voice) for word in self.said.values())
        refusals = [refusal for refusal in told if refusal is not None]
        return min(refusals, key=lambda each: each.is_passing, default=None)
