"""Keeps model caches: their claims, the Jobs that fill them, and what becomes of unused ones."""

import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from speaker_operator.api.quantity import parse_duration
from speaker_operator.api.v1alpha1 import TTSService
from speaker_operator.kube.client import KubeClient
from speaker_operator.kube.errors import KubeError
from speaker_operator.kube.resources import (
    CLAIM,
    DEPLOYMENT,
    JOB,
    NETWORK_POLICY,
    POD,
    JsonObject,
    Key,
    key_of,
)
from speaker_operator.metrics import OperatorMetrics
from speaker_operator.pods.client import PodClient
from speaker_operator.pods.errors import PodError
from speaker_operator.reconcile.apply import Applier, Outcome
from speaker_operator.reconcile.backoff import Backoff
from speaker_operator.reconcile.cachejobs import Step, next_step
from speaker_operator.reconcile.cacheusers import CacheUsers, cache_key
from speaker_operator.reconcile.conditions import timestamp
from speaker_operator.reconcile.extraction import applied
from speaker_operator.reconcile.plan import Action, Apply, Delete, Problem, is_ending, make_plan
from speaker_operator.reconcile.queue import Queue
from speaker_operator.reconcile.secrets import SecretVersions
from speaker_operator.reconcile.stock import Progress, Shelf, Stock, running_pod, take_stock
from speaker_operator.reconcile.store import Store, cache_label, is_of_service
from speaker_operator.render.caches import ModelCache, model_cache
from speaker_operator.render.claim import shared_claim
from speaker_operator.render.fetchjob import fetch_job
from speaker_operator.render.labels import CACHE, RETAIN, SERVICE, UNUSED_SINCE
from speaker_operator.render.networkpolicy import fetch_policy
from speaker_operator.render.settings import RenderSettings
from speaker_runtime.contract import HTTP_PORT

logger = logging.getLogger(__name__)

_POLL_SECONDS: Final = 2.0
_DEAF_SECONDS: Final = 10.0
"""How soon a pod is asked again that did not answer."""
_LONGEST_RETRY_SECONDS: Final = 600.0
_LONGEST_LOGIN_RETRY_SECONDS: Final = 60.0
"""Credentials may be mended any time, and not every operator may see that."""
_ANNOUNCED_STEPS: Final = 100


class CacheKeeper:
    """Makes every model cache true; nothing but how far fetches are outlives a call."""

    def __init__(
        self,
        *,
        client: KubeClient,
        store: Store,
        users: CacheUsers,
        pods: PodClient,
        secrets: SecretVersions,
        queue: Queue,
        polls: Queue,
        observe: Callable[[JsonObject], None],
        settings_for: Callable[[TTSService], Awaitable[RenderSettings]],
        settings: RenderSettings,
        retry_seconds: float,
        clock: Callable[[], datetime],
        metrics: OperatorMetrics,
    ) -> None:
        self._client = client
        self._store = store
        self._users = users
        self._pods = pods
        self._secrets = secrets
        self._queue = queue
        self._polls = polls
        self._settings_for = settings_for
        self._settings = settings
        self._retry_seconds = retry_seconds
        self._clock = clock
        self._metrics = metrics
        self._applier = Applier(client, observe, metrics)
        self._doubts: dict[Key, str] = {}
        self._progress: dict[Key, Progress] = {}
        self._problems: dict[Key, Problem] = {}
        self._announced: dict[Key, Stock] = {}

    def rest(self) -> None:
        """Forget what was learnt so far: another replica goes on, and learns more."""
        for memory in (self._doubts, self._progress, self._problems, self._announced):
            memory.clear()
        self._secrets.close()

    def begin(self) -> None:
        """Have everything reconciled: whoever did so before may have left anything half done."""
        claims = (cache_label(each) for each in self._store.everywhere(CLAIM.kind))
        unused = {cache_key(*label) for label in claims if label is not None}
        for key in sorted({*self._users.caches(), *unused}):
            self._queue.add(key)

    def cache_of(self, service: TTSService, key: str) -> ModelCache | None:
        """The cache that a Job fills for a service; None if there is none."""
        others = self._users.services(cache_key(service.metadata.namespace, key))
        rest = [each for each in others if each.metadata.uid != service.metadata.uid]
        return model_cache([service, *rest], self._settings.images)

    def shelf(self, cache: ModelCache) -> Shelf:
        """A cache, with everything that is known of it."""
        key = cache_key(cache.lead.metadata.namespace, cache.place.key)
        return Shelf(
            cache,
            self._store.of_cache(key.namespace, key.name),
            doubted_at=self._doubts.get(key, ""),
            progress=self._progress.get(key),
            problem=self._problems.get(key),
        )

    def doubt(self, cache: ModelCache, at: str) -> None:
        """A pod found the model missing or damaged: have the cache looked after."""
        key = cache_key(cache.lead.metadata.namespace, cache.place.key)
        if self._doubts.get(key, "") < at:
            self._doubts[key] = at
            self._queue.add(key)

    async def reconcile(self, key: Key) -> None:
        """Make one cache true; raises a ``KubeError`` if it has to be tried again."""
        if not self._users.of(key):
            await self._retire(key)
            return
        services = self._users.services(key)
        cache = model_cache(services, self._settings.images) if services else None
        if cache is None:  # nobody can tell what belongs into it, or the pods bring it
            return
        errors = await self._make_surroundings(key, cache)
        if not errors:
            errors = await self._make_job(key, cache)
        self._announce(key, cache)
        if errors:
            raise errors[0]

    async def poll(self, key: Key) -> None:
        """Ask the pod that fills a cache how far it is, and again as long as it lasts."""
        pods = [each for each in self._store.of_cache(key.namespace, key.name) if _fetches(each)]
        pod = running_pod(pods)
        if pod is None:
            self._progress.pop(key, None)
            return
        address = pod["status"]["podIP"]
        host = f"[{address}]" if ":" in address else address
        try:
            told = await self._pods.fetch_status(f"http://{host}:{HTTP_PORT}")
        except PodError as error:  # it may not have begun to answer, or a policy forbids it
            logger.debug("No progress of %s: %s", key, error)
            self._polls.add_after(key, _DEAF_SECONDS if key in self._progress else _POLL_SECONDS)
            return
        before = self._progress.get(key)
        now = Progress(told.bytes, told.total_bytes)
        if before is None or _is_news(before, now):
            self._progress[key] = now
            for user in self._users.of(key):
                self._queue.add(user)
        self._polls.add_after(key, _POLL_SECONDS)

    async def _make_surroundings(self, key: Key, cache: ModelCache) -> tuple[KubeError, ...]:
        """Make the claim, and the policy of the pod that fills it."""
        shelf = self.shelf(cache)
        claim, policy = shared_claim(cache, shelf.filling), fetch_policy(cache, self._settings)
        wanted = [each for each in (claim, policy) if each is not None]
        live = [each for each in shelf.objects if each["kind"] in (CLAIM.kind, NETWORK_POLICY.kind)]
        plan = make_plan(wanted, live, "")
        actions = list(plan.actions)
        if policy is None:
            actions += _deletions(shelf.objects, NETWORK_POLICY.kind)
        outcome = await self._carry_out(key, actions)
        self._note(key, (*plan.problems, *outcome.problems))
        return outcome.errors

    async def _make_job(self, key: Key, cache: ModelCache) -> tuple[KubeError, ...]:
        shelf = self.shelf(cache)
        namespace = key.namespace
        if shelf.filling is not None:
            self._secrets.leave(key)
            return ()
        secret = await self._secrets.follow(key, namespace, cache.credentials)
        settings = await self._settings_for(cache.lead)
        desired = fetch_job(cache, settings, claim_uid=shelf.claim_uid, secret=secret)
        step = next_step(shelf, desired, self._backoff(cache, settings), self._clock())
        errors = await self._do(key, shelf, step)
        if running_pod(shelf.present_pods) is not None:
            self._polls.add(key)
        return errors

    async def _do(self, key: Key, shelf: Shelf, step: Step) -> tuple[KubeError, ...]:
        live = shelf.job
        if step.remove and live is not None:
            self._progress.pop(key, None)
            outcome = await self._carry_out(key, _deletions([live], JOB.kind))
            if outcome.errors:
                return outcome.errors
            live = None
        if step.apply is not None:
            fields = () if live is None else ("spec",)
            outcome = await self._carry_out(key, [Apply(step.apply, live, fields)])
            if outcome.problems:
                self._note(key, outcome.problems)
            return outcome.errors
        if step.again_after is not None:
            self._queue.add_after(key, step.again_after)
        return ()

    def _backoff(self, cache: ModelCache, settings: RenderSettings) -> Backoff:
        secret = cache.credentials is not None or bool(settings.fetch.sources)
        cap = _LONGEST_LOGIN_RETRY_SECONDS if secret else _LONGEST_RETRY_SECONDS
        return Backoff(base_seconds=self._retry_seconds, cap_seconds=cap)

    def _note(self, key: Key, problems: tuple[Problem, ...]) -> None:
        if problems:
            self._problems[key] = problems[0]
        else:
            self._problems.pop(key, None)

    def _announce(self, key: Key, cache: ModelCache) -> None:
        """Have the users reconciled if the cache's state is another one."""
        stock = take_stock(self.shelf(cache))
        if stock.state != "Downloading":
            self._progress.pop(key, None)
        if self._announced.get(key) != stock:
            self._announced[key] = stock
            for user in self._users.of(key):
                self._queue.add(user)

    async def _retire(self, key: Key) -> None:
        """Nobody uses the cache: it ends, or stays, as its claim says."""
        for memory in (self._doubts, self._progress, self._problems, self._announced):
            memory.pop(key, None)
        self._secrets.leave(key)
        objects = [
            *self._store.of_cache(key.namespace, key.name),
            *self._store.using_cache(key.namespace, key.name),
        ]
        self._applier.forget((key.namespace, key.name))
        ends = [*_deletions(objects, JOB.kind), *_deletions(objects, NETWORK_POLICY.kind)]
        await self._succeed(key, ends)
        if any(_serves_from(each, key.name) for each in objects):
            return  # their end brings the cache here again
        for claim in objects:
            if claim["kind"] == CLAIM.kind and not (is_ending(claim) or is_of_service(claim)):
                await self._retain(key, claim)

    async def _retain(self, key: Key, claim: JsonObject) -> None:
        annotations = claim["metadata"].get("annotations", {})
        policy, since = annotations.get(RETAIN, "true"), annotations.get(UNUSED_SINCE)
        if policy == "false":
            await self._succeed(key, _deletions([claim], CLAIM.kind))
            return
        now = self._clock()
        if since is None:
            manifest = applied(claim)
            marks = {**manifest["metadata"].get("annotations", {}), UNUSED_SINCE: timestamp(now)}
            manifest["metadata"]["annotations"] = marks
            await self._succeed(key, [Apply(manifest, claim, (UNUSED_SINCE,))])
            since = marks[UNUSED_SINCE]
        if policy != "true":
            due = datetime.fromisoformat(since) + timedelta(seconds=parse_duration(policy))
            if due <= now:
                await self._succeed(key, _deletions([claim], CLAIM.kind))
            else:
                self._queue.add_after(key, (due - now).total_seconds())

    async def _carry_out(self, key: Key, actions: Sequence[Action]) -> Outcome:
        outcome = await self._applier.carry_out(actions, (key.namespace, key.name), "")
        if outcome.again_in is not None:
            self._queue.add_after(key, outcome.again_in)
        return outcome

    async def _succeed(self, key: Key, actions: Sequence[Action]) -> None:
        outcome = await self._carry_out(key, actions)
        if outcome.errors:
            raise outcome.errors[0]


def _deletions(objects: Iterable[JsonObject], kind: str) -> list[Delete]:
    return [
        Delete(key_of(each), each["metadata"]["uid"], each["metadata"]["resourceVersion"])
        for each in objects
        if each["kind"] == kind and not is_ending(each)
    ]


def _fetches(manifest: JsonObject) -> bool:
    return manifest["kind"] == POD.kind and SERVICE not in manifest["metadata"]["labels"]


def _serves_from(manifest: JsonObject, key: str) -> bool:
    """Whether pods of a service still use the cache, or will."""
    if manifest["kind"] == DEPLOYMENT.kind:
        labels = manifest["spec"]["template"]["metadata"].get("labels", {})
        return bool(labels.get(CACHE) == key) and not is_ending(manifest)
    ended = manifest.get("status", {}).get("phase") in ("Succeeded", "Failed")
    return manifest["kind"] == POD.kind and not _fetches(manifest) and not ended


def _is_news(before: Progress, now: Progress) -> bool:
    """Whether it is worth a write of every user's status: a percent, or a megabyte."""
    if now.total != before.total or now.bytes < before.bytes:
        return True
    step = now.total // _ANNOUNCED_STEPS if now.total else 1 << 20
    return now.bytes > before.bytes and now.bytes - before.bytes >= step
