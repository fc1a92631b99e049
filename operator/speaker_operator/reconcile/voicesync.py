"""Hand changed voices to the pods that run already, and keep what these answer."""

import asyncio
import logging
from collections.abc import Mapping
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
from speaker_operator.reconcile.references import References
from speaker_operator.reconcile.refusals import refusals
from speaker_operator.reconcile.store import Store, service_key, version_of
from speaker_operator.reconcile.voices import ServiceName
from speaker_operator.render.names import config_map
from speaker_operator.render.references import Source
from speaker_runtime.contract import AUDIO_TYPE, ROUTE_SYNC_PATH, Manifest, SyncReport

logger = logging.getLogger(__name__)

ROUTES_ASKED_SECONDS: Final = 10.0
"""How often a gateway is asked how its routes fare: it tells nobody by itself."""
_HANDING_SECONDS: Final = 5.0
"""How long one pod is handed audio before its state is told, and others get their turn."""
_MISSING_SECONDS: Final = 2.0
"""Audio that is wanted and not there any more: news of what took its place are on the way."""


@dataclass
class _Offered:
    """What one service's pods are offered, and what they said, by their names."""

    service_uid: str
    offer: Offer
    audio: Mapping[str, Source] = field(default_factory=dict)
    """Where the audio of its voices is, by its digest."""
    words: dict[str, Word] = field(default_factory=dict)


class VoiceSync:
    """Knows which pods serve which voices; nothing of it outlives the process.

    An operator that has just begun sends every pod its voices once: a pod that has them says so.

    Args:
        store: Where the pods are looked up.
        pods: What speaks to them.
        signer: Whose word they believe.
        references: What has the audio that they ask for.
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
        references: References,
        work: Queue,
        services: Queue,
        metrics: OperatorMetrics,
    ) -> None:
        self._store = store
        self._pods = pods
        self._signer = signer
        self._references = references
        self._work = work
        self._services = services
        self._metrics = metrics
        self._offered: dict[ServiceName, _Offered] = {}

    def offer(
        self,
        service: TTSService,
        manifest: Manifest,
        audio: Mapping[str, Source] | None = None,
    ) -> Hearing:
        """Have the service's ready pods serve these voices, or a gateway's have these routes.

        Returns what they have said so far.

        Nothing is offered before it is written: a pod that starts must find no older voices.

        Args:
            service: Whose pods.
            manifest: The voices.
            audio: Where audio is that pods may ask for, by its digest.
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
        known.audio = audio or {}
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
        if before is not None and before.is_final and before.tried == offer.digest:
            return
        try:
            word, again = await self._send(known, pod, offer)
        except PodError as error:
            trouble = Trouble(error.reason, str(error))
            kept = before or Word(pod.run, offer.digest)
            told = replace(kept, tried=offer.digest, trouble=trouble, is_final=False)
            self._hear(name, known, pod, told)
            self._metrics.voice_syncs.labels(error.reason).inc()
            raise type(error)(f"Voices not taken by pod {pod.name}: {error}") from error
        self._hear(name, known, pod, word)
        self._metrics.voice_syncs.labels("Taken").inc()
        if again is not None:
            self._work.add_after(key, again)

    async def _send(
        self, known: _Offered, pod: ReadyPod, offer: Offer
    ) -> tuple[Word, float | None]:
        """Have a pod serve an offer; returns what it says, and in how many seconds to ask again."""
        loop = asyncio.get_running_loop()
        until = loop.time() + _HANDING_SECONDS
        while True:
            report = await self._ask(known, pod, offer)
            handed = 0
            for digest in report.wanted:
                if loop.time() > until:
                    break
                handed += await self._hand_over(known, pod, offer, digest)
            if not handed or loop.time() > until:
                break
        again = report.ask_again_seconds
        if report.wanted and not handed:
            again = _MISSING_SECONDS
        elif offer.path == ROUTE_SYNC_PATH:
            again = ROUTES_ASKED_SECONDS
        word = Word(
            pod.run,
            offer.digest,
            taken=offer,
            unready=refusals(report.voices),
            is_final=again is None,
        )
        return word, again

    async def _ask(self, known: _Offered, pod: ReadyPod, offer: Offer) -> SyncReport:
        token = self._signer.token(
            service_uid=known.service_uid, digest=offer.digest, revision=offer.revision
        )
        report = await self._pods.change(pod.url + offer.path, offer.body, token)
        if report.digest != offer.digest:
            raise RefusedError("it serves other voices than it was sent")
        return report

    async def _hand_over(self, known: _Offered, pod: ReadyPod, offer: Offer, digest: str) -> bool:
        """Give a pod audio that it wants, if it is of its own voices, and still there."""
        source = known.audio.get(digest)
        audio = None if source is None else await self._references.audio(source, digest)
        if audio is None:
            return False
        token = self._signer.token(
            service_uid=known.service_uid, digest=digest, revision=offer.revision, typ=AUDIO_TYPE
        )
        await self._pods.hand_over(pod.url, audio, token)
        self._metrics.voice_syncs.labels("AudioTaken").inc()
        return True

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
