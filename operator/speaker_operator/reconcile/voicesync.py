"""Hand changed voices to the pods that run already, and keep what these answer."""

import logging
from dataclasses import dataclass, field, replace
from typing import Final

from speaker_operator import logs
from speaker_operator.api.v1alpha1 import TTSService
from speaker_operator.kube.resources import CONFIG_MAP, POD, TTS_SERVICE, JsonObject, Key
from speaker_operator.metrics import OperatorMetrics
from speaker_operator.pods.client import PodClient
from speaker_operator.pods.errors import PodError, RefusedError
from speaker_operator.pods.signing import Signer
from speaker_operator.reconcile.hearing import (
    Hearing,
    Offer,
    ReadyPod,
    Trouble,
    Word,
    ready_pod,
    ready_pods,
)
from speaker_operator.reconcile.queue import Queue
from speaker_operator.reconcile.store import Store, service_key, version_of
from speaker_operator.reconcile.voices import ServiceName
from speaker_operator.render.names import config_map
from speaker_runtime.contract import ROUTE_SYNC_PATH, Manifest

logger = logging.getLogger(__name__)

ROUTES_ASKED_SECONDS: Final = 10.0
"""How often a gateway is asked how its routes fare: it tells nobody by itself."""


@dataclass
class _Offered:
    """What one service's pods are offered, and what they said, by their names."""

    service_uid: str
    offer: Offer
    words: dict[str, Word] = field(default_factory=dict)


class VoiceSync:
    """Knows which pods serve which voices; nothing of it outlives the process.

    An operator that has just begun sends every pod its voices once: a pod that has them says so.

    Args:
        store: Where the pods are looked up.
        pods: What speaks to them.
        signer: Whose word they believe.
        work: Runs :meth:`sync` for the pods that are put into it.
        services: Where services are put whose pods have said something new.
        metrics: What to count in.
    """

    def __init__(
        self,
        *,
        store: Store,
        pods: PodClient,
        signer: Signer,
        work: Queue,
        services: Queue,
        metrics: OperatorMetrics,
    ) -> None:
        self._store = store
        self._pods = pods
        self._signer = signer
        self._work = work
        self._services = services
        self._metrics = metrics
        self._offered: dict[ServiceName, _Offered] = {}

    def offer(self, service: TTSService, manifest: Manifest) -> Hearing:
        """Have the service's ready pods serve these voices, or a gateway's have these routes.

        Returns what they have said so far.

        Nothing is offered before it is written: a pod that starts must find no older voices.
        """
        name = (service.metadata.namespace, service.metadata.name)
        objects = list(self._store.belonging_to(*name))
        revision, written = _written(objects, service, manifest.file)
        body = manifest.to_json()
        if written != body:
            return Hearing()
        known = self._offered.get(name)
        if known is None or known.service_uid != service.metadata.uid:
            first = Offer.of(manifest, body.encode(), revision)
            known = self._offered[name] = _Offered(service.metadata.uid, first)
        elif known.offer.body != body.encode():
            known.offer = Offer.of(manifest, body.encode(), revision)
        pods = ready_pods(objects)
        known.words = {pod.name: word for pod in pods if (word := _word(known, pod)) is not None}
        for pod in pods:
            word = known.words.get(pod.name)
            if word is None or word.tried != known.offer.digest:  # else the queue tries again
                self._work.add(Key(POD.kind, name[0], pod.name))
        return Hearing(known.offer, {pod.name: known.words.get(pod.name) for pod in pods})

    def forget(self, service: ServiceName) -> None:
        """Forget a service that is gone."""
        self._offered.pop(service, None)

    def forget_all(self) -> None:
        """Forget what any pod has said: others may have spoken to it meanwhile."""
        self._offered.clear()

    async def sync(self, key: Key) -> None:
        """Have one pod serve what it is offered; raises a ``PodError`` to be tried again."""
        manifest = self._store.get(key)
        if manifest is not None:
            logs.identify(manifest["metadata"]["uid"])
        pod = None if manifest is None else ready_pod(manifest)
        name = None if manifest is None else service_key(manifest)
        known = None if name is None else self._offered.get(name)
        if pod is None or name is None or known is None:
            return
        before, offer = _word(known, pod), known.offer
        changes_by_itself = offer.path == ROUTE_SYNC_PATH
        is_known = before is not None and before.trouble is None and before.tried == offer.digest
        if is_known and not changes_by_itself:
            return
        try:
            word = await self._send(known.service_uid, pod, offer)
        except PodError as error:
            trouble = Trouble(error.reason, str(error))
            kept = before or Word(pod.run, offer.digest)
            self._hear(name, known, pod, replace(kept, tried=offer.digest, trouble=trouble))
            self._metrics.voice_syncs.labels(error.reason).inc()
            raise type(error)(f"Voices not taken by pod {pod.name}: {error}") from error
        self._hear(name, known, pod, word)
        self._metrics.voice_syncs.labels("Taken").inc()
        if changes_by_itself:
            self._work.add_after(key, ROUTES_ASKED_SECONDS)

    async def _send(self, service_uid: str, pod: ReadyPod, offer: Offer) -> Word:
        token = self._signer.token(
            service_uid=service_uid, digest=offer.digest, revision=offer.revision
        )
        report = await self._pods.change(pod.url + offer.path, offer.body, token)
        if report.digest != offer.digest:
            raise RefusedError("it serves other voices than it was sent")
        failed = {each.name: each.message for each in report.voices if each.state == "failed"}
        return Word(pod.run, offer.digest, taken=offer, failed=failed)

    def _hear(self, name: ServiceName, known: _Offered, pod: ReadyPod, word: Word) -> None:
        news = known.words.get(pod.name) != word
        known.words[pod.name] = word
        if news:
            self._services.add(Key(TTS_SERVICE.kind, *name))


def _word(known: _Offered, pod: ReadyPod) -> Word | None:
    """What this very process of the pod has said."""
    word = known.words.get(pod.name)
    return word if word is not None and word.run == pod.run else None


def _written(objects: list[JsonObject], service: TTSService, file: str) -> tuple[int, str | None]:
    """The version of the service's ConfigMap, which becomes the revision, and one of its files."""
    name = config_map(service.metadata.name)
    for each in objects:
        if each["kind"] == CONFIG_MAP.kind and each["metadata"]["name"] == name:
            return version_of(each), each.get("data", {}).get(file)
    return 0, None
