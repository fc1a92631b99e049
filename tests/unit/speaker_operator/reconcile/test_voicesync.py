"""Who is sent which voices, and when again."""

import socket
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from aiohttp import web

from speaker_operator.api.v1alpha1 import Voice
from speaker_operator.kube.resources import Key
from speaker_operator.metrics import OperatorMetrics
from speaker_operator.pods.client import PodClient
from speaker_operator.pods.errors import RefusedError, UnreachableError
from speaker_operator.pods.signing import Signer, new_key, read_key
from speaker_operator.reconcile.hearing import Hearing
from speaker_operator.reconcile.store import Store
from speaker_operator.reconcile.voicesync import VoiceSync
from speaker_operator.render.references import Source
from speaker_operator.render.runtime_config import voice_manifest
from speaker_runtime.contract import (
    VOICE_AUDIO_PATH,
    VOICE_SYNC_PATH,
    SyncedVoice,
    SyncReport,
    VoiceManifest,
    digest_of,
)
from tests.unit.speaker_operator.factories import service, voice
from tests.unit.speaker_operator.reconcile.cluster_state import Json, children, pod
from tests.unit.speaker_operator.reconcile.hearsay import Recordings

POD = Key("Pod", "speech", "hello-1")
SERVICE = Key("TTSService", "speech", "hello")
DRAINING = (503, '{"error": {"message": "This process is ending.", "code": "shutting_down"}}')


class Taken:
    """A queue that remembers what was put into it since it was last asked."""

    def __init__(self) -> None:
        self._keys: list[Key] = []
        self.later: list[tuple[Key, float]] = []

    def add(self, key: Key) -> None:
        self._keys.append(key)

    def add_after(self, key: Key, seconds: float, **_: float) -> None:
        self.later.append((key, seconds))

    def taken(self) -> list[Key]:
        keys, self._keys = self._keys, []
        return keys


class Runtime:
    """An HTTP server that answers as a runtime does, or as it is told to."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.refusal: tuple[int, str] | None = None
        self.wants: list[str] = []
        self.audio: list[bytes] = []
        self.preparing = 0
        self.port = 0

    async def answer(self, request: web.Request) -> web.Response:
        assert request.headers["Authorization"].startswith("Bearer ey")
        self.sent.append(await request.read())
        if self.refusal is not None:
            status, text = self.refusal
            return web.Response(status=status, text=text)
        voices = VoiceManifest.model_validate_json(self.sent[-1]).voices
        ready = SyncedVoice(name="", state="ready")
        if self.wants or self.preparing:
            ready = SyncedVoice(name="", state="pending", reason="Preparing", message="soon")
        again = 0.25 if self.preparing else None
        self.preparing = max(0, self.preparing - 1)
        report = SyncReport(
            digest=digest_of(self.sent[-1]),
            voices=tuple(ready.model_copy(update={"name": each.name}) for each in voices),
            wanted=tuple(self.wants),
            ask_again_seconds=again,
        )
        return web.Response(text=report.to_json())

    async def take(self, request: web.Request) -> web.Response:
        content = await request.read()
        self.audio.append(content)
        self.wants.remove(digest_of(content))
        return web.Response(status=204)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        app = web.Application()
        app.router.add_post(VOICE_SYNC_PATH, self.answer)
        app.router.add_post(VOICE_AUDIO_PATH, self.take)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.port = runner.addresses[0][1]
        try:
            yield
        finally:
            await runner.cleanup()


@dataclass
class World:
    """One service with a pod, as the operator sees them."""

    runtime: Runtime
    client: PodClient
    store: Store = field(default_factory=lambda: Store(OperatorMetrics()))
    work: Taken = field(default_factory=Taken)
    services: Taken = field(default_factory=Taken)
    version: int = 100

    def __post_init__(self) -> None:
        self.references = Recordings()
        self.sync = VoiceSync(
            store=self.store,
            pods=self.client,
            signer=Signer(read_key(new_key()), time.time),
            references=self.references,
            work=self.work,
            services=self.services,
            metrics=OperatorMetrics(),
        )

    def has(self, *objects: Json) -> None:
        """The API server has these objects now."""
        for each in objects:
            self.version += 1
            metadata = {**each["metadata"], "resourceVersion": str(self.version)}
            self.store.put({**each, "metadata": metadata})

    def pod(self, *, restarts: int = 0) -> Json:
        """The service's pod, at the runtime's address."""
        found = pod(service())
        ports = [{"name": "http", "containerPort": self.runtime.port}]
        statuses = [{"name": "runtime", "ready": True, "restartCount": restarts}]
        found["spec"]["containers"][0]["ports"] = ports
        return {
            **found,
            "status": {"podIP": "127.0.0.1", "containerStatuses": statuses},
        }

    def write(self, *voices: Voice) -> None:
        self.has(*children(service(), *voices))

    def offer(self, *voices: Voice) -> Hearing:
        return self.sync.offer(service(), voice_manifest(service(), voices))

    async def work_off(self) -> None:
        for key in self.work.taken():
            await self.sync.sync(key)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    runtime = Runtime()
    async with runtime.serving(), PodClient() as client:
        world = World(runtime, client)
        world.write(voice())
        world.has(world.pod())
        yield world


def names(manifests: Iterable[bytes]) -> list[list[str]]:
    return [
        [each.name for each in VoiceManifest.model_validate_json(manifest).voices]
        for manifest in manifests
    ]


async def test_a_pod_is_sent_the_voices_once(world: World) -> None:
    assert world.offer(voice()).settling
    await world.work_off()
    assert world.services.taken() == [SERVICE]
    assert not world.offer(voice()).settling
    assert world.work.taken() == []
    assert names(world.runtime.sent) == [["ana"]]


async def test_nothing_is_offered_before_it_is_written(world: World) -> None:
    assert world.offer(voice("ben")) == Hearing()
    assert world.work.taken() == []


async def test_changed_voices_are_sent_and_are_of_a_later_revision(world: World) -> None:
    first = world.offer(voice()).offer
    await world.work_off()
    world.write(voice(), voice("ben"))
    second = world.offer(voice(), voice("ben")).offer
    await world.work_off()
    assert names(world.runtime.sent) == [["ana"], ["ana", "ben"]]
    assert first is not None
    assert second is not None
    assert second.revision > first.revision


async def test_a_write_that_changes_no_voice_is_no_new_revision(world: World) -> None:
    first = world.offer(voice()).offer
    world.write(voice())
    assert world.offer(voice()).offer == first


async def test_a_process_that_was_started_again_is_sent_them_again(world: World) -> None:
    world.offer(voice())
    await world.work_off()
    world.has(world.pod(restarts=1))
    assert world.offer(voice()).settling
    await world.work_off()
    assert len(world.runtime.sent) == 2


async def test_a_pod_that_refuses_is_left_to_the_queue(world: World) -> None:
    world.runtime.refusal = DRAINING
    world.offer(voice())
    with pytest.raises(RefusedError, match="pod hello-1: it answers 503: This process"):
        await world.work_off()
    assert world.services.taken() == [SERVICE], "the status tells of it"
    heard = world.offer(voice())
    assert heard.behind is not None
    assert heard.behind[0] == "hello-1"
    assert world.work.taken() == [], "else its backoff were of no use"
    with pytest.raises(RefusedError):
        await world.sync.sync(POD)
    assert world.services.taken() == [], "there is nothing new"
    world.runtime.refusal = None
    await world.sync.sync(POD)
    assert world.services.taken() == [SERVICE]
    assert world.offer(voice()).behind is None


async def test_a_pod_that_may_have_taken_what_it_did_not_answer_to_is_asked_anew(
    world: World,
) -> None:
    world.offer(voice())
    await world.work_off()
    world.write(voice(), voice("ben"))
    world.offer(voice(), voice("ben"))
    world.runtime.refusal = DRAINING
    with pytest.raises(RefusedError):
        await world.work_off()
    world.runtime.refusal = None
    world.write(voice())
    world.offer(voice())
    await world.work_off()
    assert names(world.runtime.sent) == [["ana"], ["ana", "ben"], ["ana"]]


async def test_a_pod_that_serves_something_else_has_not_taken_them(world: World) -> None:
    world.runtime.refusal = (200, SyncReport(digest="sha256:1", voices=()).to_json())
    world.offer(voice())
    with pytest.raises(RefusedError, match="serves other voices"):
        await world.work_off()


async def test_what_listens_there_instead_of_a_runtime_is_quoted(world: World) -> None:
    world.runtime.refusal = (404, "404 page not found")
    world.offer(voice())
    with pytest.raises(RefusedError, match="it answers 404: 404 page not found"):
        await world.work_off()


async def test_a_pod_that_cannot_be_connected_to_is_unreachable(world: World) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        world.runtime.port = closed.getsockname()[1]
    world.has(world.pod())
    world.offer(voice())
    with pytest.raises(UnreachableError, match="it cannot be reached"):
        await world.work_off()


async def test_a_pod_that_is_gone_is_forgotten(world: World) -> None:
    world.offer(voice())
    world.store.remove(world.pod())
    await world.work_off()
    assert world.runtime.sent == []
    assert world.offer(voice()).words == {}


async def test_a_service_that_is_gone_is_forgotten(world: World) -> None:
    world.offer(voice())
    world.sync.forget(("speech", "hello"))
    await world.work_off()
    assert world.runtime.sent == []


AUDIO = b"RIFF and so on"
DIGEST = digest_of(AUDIO)
SOURCE = Source("Secret", "speech", "ana", "ana.wav")


async def test_a_pod_is_given_the_audio_that_it_wants(world: World) -> None:
    world.references.there[DIGEST] = AUDIO
    world.runtime.wants = [DIGEST]
    world.sync.offer(service(), voice_manifest(service(), [voice()]), {DIGEST: SOURCE})
    await world.work_off()
    assert world.runtime.audio == [AUDIO]
    assert len(world.runtime.sent) == 2, "and is asked once more what became of it"
    assert world.offer(voice()).refusal("ana") is None


async def test_a_pod_is_given_audio_of_its_own_voices_only(world: World) -> None:
    world.references.there[DIGEST] = AUDIO
    world.runtime.wants = [DIGEST]
    world.offer(voice())
    await world.work_off()
    assert world.runtime.audio == []
    assert world.work.later == [(POD, 2.0)], "until there is other news"


async def test_a_pod_that_is_still_making_a_voice_is_asked_again(world: World) -> None:
    world.runtime.preparing = 2
    world.offer(voice())
    await world.work_off()
    heard = world.offer(voice())
    assert not heard.settling, "the state is told meanwhile"
    refusal = heard.refusal("ana")
    assert refusal is not None
    assert (refusal.reason, refusal.is_passing) == ("Preparing", True)
    assert world.work.later == [(POD, 0.25)]
    await world.sync.sync(POD)
    await world.sync.sync(POD)
    assert world.offer(voice()).refusal("ana") is None
    sent = len(world.runtime.sent)
    await world.sync.sync(POD)
    assert len(world.runtime.sent) == sent, "it has had its last word"
