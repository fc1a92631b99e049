"""One reconciliation: observe, render, plan, apply, status."""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from speaker_operator import logs
from speaker_operator.api.v1alpha1 import TTSService, Voice
from speaker_operator.api.v1alpha1.status import UNSEEN, ServiceStatus
from speaker_operator.kube.client import KubeClient
from speaker_operator.kube.resources import (
    DECLARED,
    TTS_SERVICE,
    VOICE,
    JsonObject,
    Key,
)
from speaker_operator.metrics import OperatorMetrics
from speaker_operator.reasons import Reason
from speaker_operator.reconcile.apply import Applier, Outcome
from speaker_operator.reconcile.caches import CacheKeeper
from speaker_operator.reconcile.cacheusers import CACHE_KIND
from speaker_operator.reconcile.hearing import Hearing
from speaker_operator.reconcile.holding import Release, hold, release
from speaker_operator.reconcile.nodes import NodeInventory
from speaker_operator.reconcile.observation import Observation
from speaker_operator.reconcile.observe import REPORT_PATIENCE_SECONDS, Observer
from speaker_operator.reconcile.optional import OptionalKinds
from speaker_operator.reconcile.parsing import (
    UnreadableError,
    read_service,
    read_voice,
    readable_voices,
)
from speaker_operator.reconcile.plan import Action, Apply, Problem, is_ending, make_plan
from speaker_operator.reconcile.queue import Queue
from speaker_operator.reconcile.references import References
from speaker_operator.reconcile.renderings import Renderings
from speaker_operator.reconcile.reports import Reports
from speaker_operator.reconcile.status import (
    reason_of,
    service_status,
    unreadable_status,
)
from speaker_operator.reconcile.stock import Shelf, take_stock
from speaker_operator.reconcile.store import Store
from speaker_operator.reconcile.surroundings import Surroundings
from speaker_operator.reconcile.telling import Teller
from speaker_operator.reconcile.voices import VoiceBook, VoiceState, voice_status
from speaker_operator.reconcile.voicesync import VoiceSync
from speaker_operator.render.caches import ModelCache, place_of
from speaker_operator.render.gpu import devices
from speaker_operator.render.references import Sources
from speaker_operator.render.routes import Route, route_manifest, routes
from speaker_operator.render.runtime_config import manifest_of, offered
from speaker_operator.render.settings import RenderSettings
from speaker_operator.render.voices import Assignment

logger = logging.getLogger(__name__)


class Reconciler:
    """Makes one service or voice true; every call starts from what is in the store."""

    def __init__(
        self,
        *,
        client: KubeClient,
        store: Store,
        observer: Observer,
        queue: Queue,
        settings: RenderSettings,
        nodes: NodeInventory,
        optional: OptionalKinds,
        sync: VoiceSync,
        caches: CacheKeeper,
        references: References,
        instance: str,
        clock: Callable[[], datetime],
        metrics: OperatorMetrics,
    ) -> None:
        self._client = client
        self._store = store
        self._observer = observer
        self._queue = queue
        self._surroundings = Surroundings(store, settings, nodes, references)
        self._optional = optional
        self._sync = sync
        self._caches = caches
        self._references = references
        self._clock = clock
        self._metrics = metrics
        self._applier = Applier(client, observer.answered, metrics)
        self._teller = Teller(client, observer.answered, metrics, instance, clock)
        self._book = VoiceBook()
        self._ending: dict[str, frozenset[str]] = {}
        """Namespaces that are on their way out, and the services in them, by uid."""
        self._reports = Reports()
        self._renderings = Renderings()

    def rest(self) -> None:
        """Forget what was learnt so far: another replica goes on, and learns more."""
        self._book = VoiceBook()
        self._ending.clear()
        self._reports.forget_all()
        self._renderings.forget_all()
        self._sync.forget_all()
        self._caches.rest()
        self._references.rest()
        self._metrics.no_services()

    def begin(self) -> None:
        """Have everything reconciled: whoever did so before may have left anything half done."""
        for resource in DECLARED:
            for key in self._store.keys(resource.kind):
                self._queue.add(key)
        self._caches.begin()

    async def reconcile(self, key: Key) -> None:
        """Reconcile one object; raises a ``KubeError`` if it has to be tried again."""
        if key.kind == CACHE_KIND:
            await self._caches.reconcile(key)
            return
        manifest = self._store.get(key)
        if manifest is not None:
            logs.identify(manifest["metadata"]["uid"])
        if key.kind == VOICE.kind:
            if manifest is not None:
                await self._reconcile_voice(manifest)
        elif manifest is None or is_ending(manifest):
            # Its children go with it: the garbage collector follows their owner references.
            self._sync.forget((key.namespace, key.name))
            self._metrics.service_is_gone(key.namespace, key.name)
            self._applier.forget((key.namespace, key.name))
            self._renderings.forget((key.namespace, key.name))
            if not self._store.keys(TTS_SERVICE.kind, key.namespace):
                self._ending.pop(key.namespace, None)
            self._reports.forget(key)
            self._references.forget((key.namespace, key.name))
            self._announce(key.namespace, self._book.forget((key.namespace, key.name)))
        else:
            await self._reconcile_service(key, manifest)

    async def _reconcile_service(self, key: Key, manifest: JsonObject) -> None:
        if manifest["metadata"]["uid"] in self._ending.get(key.namespace, ()):
            return  # whatever goes away in its namespace, goes for good
        try:
            service = read_service(manifest)
        except UnreadableError as error:
            await self._report_unreadable(key, manifest, error)
            return
        selector = service.spec.voices.selector
        voices = readable_voices(self._store.voices(key.namespace, selector))
        settings = await self._surroundings.settings_for(service, voices)
        shelf = self._shelf(service)
        stock = None if shelf is None else take_stock(shelf)
        stage = release(
            None if shelf is None else shelf.cache.content,
            filled=stock is not None and stock.state == "Ready",
            live=self._store.belonging_to(key.namespace, key.name),
        )
        cache = None if shelf is None else shelf.cache
        outcome = await self._make_children(service, voices, settings, cache, stage)
        if outcome is None:
            return
        behind = routes(service, settings.services)
        assignments = offered(service, voices, settings.sources)
        hearing = self._hear(service, assignments, behind, settings.sources)
        generation = service.metadata.generation
        reports_in = self._reports.awaited_for(key, generation, written=outcome.written)
        if reports_in and not outcome.errors:
            self._queue.add_after(key, reports_in, patience=REPORT_PATIENCE_SECONDS)
        elif not hearing.settling:  # else its pods' answers bring the service here again at once
            observation = Observation(
                service=service,
                assignments=assignments,
                objects=self._store.belonging_to(key.namespace, key.name),
                problems=outcome.problems,
                undone=outcome.undone,
                devices=devices(service, settings.nodes),
                hearing=hearing,
                stock=stock,
                release=stage,
                now=self._clock(),
                routes=behind,
            )
            self._doubt(cache, observation)
            await self._tell(key, manifest, observation)
        if outcome.again_in is not None:
            self._queue.add_after(key, outcome.again_in)
        if outcome.errors:
            raise outcome.errors[0]

    async def _tell(self, key: Key, manifest: JsonObject, observation: Observation) -> None:
        """Write the service's status, and have its voices write theirs."""
        service, status = observation.service, service_status(observation)
        self._record(key, observation.voice_states)
        self._metrics.service_is(key.namespace, key.name, reason_of(status))
        written = await self._teller.write(manifest, status)
        if written and not await self._teller.post(service, status):
            self._give_up(service.metadata.namespace)

    def _hear(
        self,
        service: TTSService,
        assignments: Iterable[Assignment],
        behind: Iterable[Route],
        sources: Sources,
    ) -> Hearing:
        """Offer the pods what they can be told while they run; returns what they say of it."""
        match service.backend.runs:
            case "gateway":
                return self._sync.offer(service, route_manifest(behind))
            case "custom":
                return Hearing()  # somebody else's server takes nothing
            case _:
                audio = {found: each for each, found in sources.items() if isinstance(found, str)}
                return self._sync.offer(service, manifest_of(service, assignments), audio)

    def _shelf(self, service: TTSService) -> Shelf | None:
        """The cache that a Job fills for the service, if there is one."""
        place = place_of(service)
        cache = None if place is None else self._caches.cache_of(service, place.key)
        return None if cache is None else self._caches.shelf(cache)

    def _doubt(self, cache: ModelCache | None, observation: Observation) -> None:
        """A pod that does not find the model whole, where a Job said it is: look after it."""
        failure = observation.failure
        if cache is not None and failure is not None and failure.finds_model_wanting:
            self._caches.doubt(cache, failure.time or "")

    async def _make_children(
        self,
        service: TTSService,
        voices: Sequence[Voice],
        settings: RenderSettings,
        cache: ModelCache | None,
        stage: Release,
    ) -> Outcome | None:
        """Make the children as rendered; None if the service is on its way out with them."""
        uid = service.metadata.uid
        live = self._store.belonging_to(service.metadata.namespace, service.metadata.name)
        if stage == "held":
            rendered = self._renderings.children(service, voices, settings, cache, "released")
            rendered = hold(rendered, live)
        else:
            rendered = self._renderings.children(service, voices, settings, cache, stage)
        self._optional.need({manifest["kind"] for manifest in rendered})
        plan = make_plan(rendered, live, uid, self._optional.lacking())
        if _puts_back(service, plan.actions) and await self._is_ending(service):
            return None
        owner = (service.metadata.namespace, service.metadata.name)
        outcome = await self._applier.carry_out(plan.actions, owner, uid)
        if outcome.ending:
            self._give_up(service.metadata.namespace)
            return None
        conflict = None if cache is None else cache.conflict(service)
        problems = [*plan.problems, *outcome.problems]
        if conflict is not None:
            reason = Reason.CACHE_CONFLICT
            problems.append(Problem(reason, reason.told(conflict)))
        return replace(outcome, problems=tuple(problems))

    def _give_up(self, namespace: str) -> None:
        """Leave the services in peace that are in a namespace which ends: none can be saved.

        Those declared in a later namespace of that name are others.
        """
        services = self._store.in_namespace(TTS_SERVICE.kind, namespace)
        self._ending[namespace] = frozenset(each["metadata"]["uid"] for each in services)
        logger.info("Namespace %s is on its way out: its services are left alone", namespace)

    async def _is_ending(self, service: TTSService) -> bool:
        """Whether the service is gone or going, as the API server has it.

        A child's end may be heard of before that of its owner, which was its cause.
        """
        metadata = service.metadata
        found = await self._client.read(TTS_SERVICE, metadata.namespace, metadata.name)
        if found is None:
            return True
        self._observer.present(found)
        return is_ending(found) or found["metadata"]["uid"] != metadata.uid

    async def _report_unreadable(
        self, key: Key, manifest: JsonObject, error: UnreadableError
    ) -> None:
        logger.error("Service left as it is: %s", error)
        self._record(key, {})
        self._metrics.service_is(key.namespace, key.name, Reason.INVALID_SPEC)
        previous = ServiceStatus.model_validate(manifest.get("status", {}))
        generation = manifest["metadata"]["generation"]
        await self._teller.write(
            manifest,
            unreadable_status(previous, str(error), generation=generation, now=self._clock()),
        )

    async def _reconcile_voice(self, manifest: JsonObject) -> None:
        voice = read_voice(manifest)
        namespace, name = voice.metadata.namespace, voice.metadata.name
        services = {(each.namespace, each.name) for each in self._store.selecting(manifest)}
        if self._book.knows(services, voice):  # else the last of them to speak announces it again
            states = self._book.of_voice(namespace, name)
            await self._teller.write(manifest, voice_status(voice, states, self._clock()))

    def _record(self, key: Key, states: dict[str, VoiceState]) -> None:
        self._announce(key.namespace, self._book.record((key.namespace, key.name), states))

    def _announce(self, namespace: str, voices: Iterable[str]) -> None:
        for name in sorted(voices):
            self._queue.add(Key(VOICE.kind, namespace, name))


def _puts_back(service: TTSService, actions: Iterable[Action]) -> bool:
    """Whether children are made that had been there before."""
    known = service.status.observed_generation not in {None, UNSEEN}
    return known and any(isinstance(action, Apply) and action.live is None for action in actions)
