"""What the operator knows of recordings in Secrets and ConfigMaps, as they come, change and go."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from cluster.envtest import ControlPlane
from speaker_operator.kube.client import KubeClient
from speaker_operator.kube.connection import connection_info
from speaker_operator.kube.limiter import RateLimiter
from speaker_operator.kube.resources import CONFIG_MAP, SECRET, Key
from speaker_operator.kube.transport import Transport
from speaker_operator.metrics import OperatorMetrics
from speaker_operator.reconcile.references import References
from speaker_operator.render.references import Source
from speaker_runtime.contract import digest_of
from tests.apiserver.api import Api
from tests.apiserver.recordings import holder

pytestmark = pytest.mark.apiserver

NEWS_SECONDS = 2.0
LOW, HIGH = b"RIFF: a low voice", b"RIFF: a high voice"


class Services:
    """The queue of the operator's services: which of them are to look again."""

    def __init__(self) -> None:
        self._keys: asyncio.Queue[Key] = asyncio.Queue()

    def add(self, key: Key) -> None:
        self._keys.put_nowait(key)

    def add_after(self, key: Key, seconds: float, **_: float) -> None:
        raise AssertionError(f"nothing here waits, {key} need not for {seconds} s")

    async def next(self) -> Key:
        async with asyncio.timeout(NEWS_SECONDS):
            return await self._keys.get()


class Followed:
    """The recordings of one service, which looks at them again whenever it is told to."""

    def __init__(self, references: References, services: Services, namespace: str) -> None:
        self.references = references
        self.services = services
        self.service = (namespace, "hello")
        self.sources = (
            Source("Secret", namespace, "ana", "clip.wav"),
            Source("ConfigMap", namespace, "ben", "clip.wav"),
        )

    async def find(self) -> list[str]:
        """The digest of each recording, or the reason why there is none."""
        found = await self.references.find(self.service, self.sources)
        values = [found[source] for source in self.sources]
        return [each if isinstance(each, str) else each.reason for each in values]

    async def until(self, *wanted: str) -> None:
        """Look again at each news until the recordings are so."""
        while await self.find() != list(wanted):
            assert await self.services.next() == Key("TTSService", *self.service)


@asynccontextmanager
async def followed(namespace: str) -> AsyncIterator[Followed]:
    transport = Transport(
        connection_info,
        metrics=OperatorMetrics(),
        limiter=RateLimiter(1000, 1000),
        timeout_seconds=5,
    )
    services = Services()
    async with KubeClient(transport) as client:
        references = References(client, services)
        try:
            yield Followed(references, services, namespace)
        finally:
            references.rest()


@pytest.fixture(autouse=True)
def _is_admin(apiserver: ControlPlane, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", str(apiserver.kubeconfig))


async def test_recordings_are_heard_of_as_they_come_change_and_go(api: Api) -> None:
    missing = "SourceNotFound"
    async with followed(api.namespace) as each:
        await each.until(missing, missing)
        api.declare(holder(SECRET.kind, "ana", LOW))
        await each.until(digest_of(LOW), missing)
        api.declare(holder(CONFIG_MAP.kind, "ben", LOW))
        await each.until(digest_of(LOW), digest_of(LOW))
        api.patch(SECRET, "ana", holder(SECRET.kind, "ana", HIGH))
        await each.until(digest_of(HIGH), digest_of(LOW))
        api.delete(CONFIG_MAP, "ben")
        await each.until(digest_of(HIGH), missing)
        api.delete(SECRET, "ana")
        await each.until(missing, missing)


async def test_a_recording_that_comes_while_it_is_looked_for_is_found(api: Api) -> None:
    async with followed(api.namespace) as each:
        looking = asyncio.create_task(each.find())
        await asyncio.sleep(0)
        api.declare(holder(SECRET.kind, "ana", LOW), holder(CONFIG_MAP.kind, "ben", HIGH))
        await looking
        await each.until(digest_of(LOW), digest_of(HIGH))


async def test_what_is_no_recording_is_not_even_digested(api: Api) -> None:
    async with followed(api.namespace) as each:
        api.declare(holder(SECRET.kind, "ana", b"a password"))
        await each.until("NotAudio", "SourceNotFound")


async def test_audio_is_handed_out_as_long_as_it_is_there(api: Api) -> None:
    async with followed(api.namespace) as each:
        api.declare(holder(SECRET.kind, "ana", LOW))
        source = each.sources[0]
        assert await each.references.audio(source, digest_of(HIGH)) is None
        assert await each.references.audio(source, digest_of(LOW)) == LOW
        assert await each.references.audio(each.sources[1], digest_of(LOW)) == LOW, "it is kept"
        each.references.rest()
        assert await each.references.audio(each.sources[1], digest_of(LOW)) is None
