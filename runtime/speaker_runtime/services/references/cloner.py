"""Makes voices of references: gets the audio, looks at it, has the model embed it, keeps that."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from typing import Final, Protocol

from speaker_runtime.audio.clips import UnfitReferenceError
from speaker_runtime.backends.protocol import Capabilities, ClonedVoice, Reference
from speaker_runtime.contract import VoiceEntry, VoiceReason, digest_of
from speaker_runtime.errors import ErrorCode, SpeechError
from speaker_runtime.services.references.sources import RETRIED, HandedOver, Sources
from speaker_runtime.services.references.states import (
    MissingStateError,
    NoRoomError,
    StateStore,
)
from speaker_runtime.services.references.wishes import Wish, heard, state_key, wish_of
from speaker_runtime.voices.standing import Standing

logger = logging.getLogger(__name__)

_FETCHES: Final = 4
"""References that are read at a time, of up to 128 MiB each."""
_EMBEDDINGS: Final = 2
"""References that are looked at, or embedded, at a time; the model takes one by one."""
_FIRST_PAUSE: Final = 2.0
_LONGEST_PAUSE: Final = 300.0
"""Seconds between two tries."""
_ASK_AGAIN: Final = 0.25
_PREPARING: Final = Standing(
    reason=VoiceReason.PREPARING, message="it is being made of its reference"
)


class Embed(Protocol):
    """Has the model make a voice of a reference, on its own thread."""

    def __call__(self, reference: Reference) -> asyncio.Future[ClonedVoice]:
        """Begin; returns at once."""


class Cloner:
    """The cloned voices of one process; lives on the event loop.

    Args:
        store: What was made of references.
        sources: Where clips are read from that nobody hands over.
        embed: The model.
        backend: Its name.
        count: Told how each try ended.
        clock: Seconds, never going back.
    """

    def __init__(
        self,
        store: StateStore,
        sources: Sources,
        embed: Embed,
        *,
        backend: str,
        count: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.handed = HandedOver()
        self._store = store
        self._sources = sources
        self._embed = embed
        self._backend = backend
        self.on_change: Callable[[], None] = lambda: None
        """Told whenever a voice has become ready, or failed."""
        self._count = count
        self._clock = clock
        self._standings: dict[Wish, Standing] = {}
        self._tasks: dict[Wish, asyncio.Task[None]] = {}
        self._expected: dict[Wish, dict[str, asyncio.Future[bytes]]] = {}
        """Audio that is to be handed over, by its digest."""
        self._spoken: dict[str, str] = {}
        """Key of what each voice last spoke with, by its name."""
        self._next_try: dict[Wish, float] = {}
        self._fetching = asyncio.Semaphore(_FETCHES)
        self._embedding = asyncio.Semaphore(_EMBEDDINGS)
        self._changed = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def want(self, entries: Iterable[VoiceEntry], can: Capabilities) -> None:
        """Make these voices, and no others; returns at once."""
        self._loop = asyncio.get_running_loop()
        entries = list(entries)
        names = {each.name for each in entries if each.reference}
        self._spoken = {name: key for name, key in self._spoken.items() if name in names}
        found = (wish_of(each, can, self._backend) for each in entries if each.reference)
        wishes = dict.fromkeys(wish for wish in found if isinstance(wish, Wish))
        for wish in [each for each in self._standings if each not in wishes]:
            self._forget(wish)
        for wish in wishes:
            if wish not in self._standings:
                self._begin(wish, can)
        self._keep()

    def standings(self, entries: Iterable[VoiceEntry], can: Capabilities) -> dict[str, Standing]:
        """How far the voices with a reference are, by name."""
        wishes = {
            each.name: wish_of(each, can, self._backend) for each in entries if each.reference
        }
        return {name: self._standing(name, wish) for name, wish in wishes.items()}

    def load(self, key: str, can: Capabilities) -> ClonedVoice:
        """What was made of a reference; reads a file, on any thread.

        Raises:
            SpeechError: It has gone, and is being made anew.
        """
        try:
            return self._store.get(key)
        except MissingStateError as error:
            if self._loop is not None:
                self._loop.call_soon_threadsafe(self._lost, key, can)
            raise SpeechError(
                ErrorCode.VOICE_NOT_READY,
                "What was kept of the voice is damaged; it is being made anew.",
                param="voice",
                retry_after=1,
            ) from error

    @property
    def ask_again(self) -> float | None:
        """Seconds after which there may be news; None where there will be none."""
        if any(each.is_preparing for each in self._standings.values()):
            return _ASK_AGAIN
        soonest = min(self._next_try.values(), default=None)
        return None if soonest is None else max(0.0, soonest - self._clock()) + 2 * _ASK_AGAIN

    async def settled(self, seconds: float) -> None:
        """Return once every voice is ready or failed, or audio is wanted; after that in any case.

        What has to be handed over first is not waited for.
        """
        try:
            async with asyncio.timeout(seconds):
                while not self.handed.wanted and any(
                    each.is_preparing for each in self._standings.values()
                ):
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            return

    async def close(self) -> None:
        """Give up what is being made."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _begin(self, wish: Wish, can: Capabilities) -> None:
        digests = [clip.digest for clip in wish.reference.clips]
        known = [each for each in digests if each is not None]
        key = state_key(wish, known, can, self._backend)
        if len(known) == len(digests) and self._store.has(key):
            self._standings[wish] = Standing(key=key)
            return
        self._standings[wish] = _PREPARING
        self._expect(wish)
        task = asyncio.create_task(self._make(wish, can))
        self._tasks[wish] = task
        task.add_done_callback(partial(self._ended, wish))

    def _ended(self, wish: Wish, task: asyncio.Task[None]) -> None:
        if self._tasks.get(wish) is task:
            del self._tasks[wish]
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("a voice cannot be made", exc_info=error)

    def _standing(self, name: str, wish: Wish | Standing) -> Standing:
        if isinstance(wish, Standing):
            return wish
        standing = self._standings.get(wish, _PREPARING)
        if standing.key is not None:
            self._spoken[name] = standing.key
        elif standing.is_preparing and name in self._spoken:
            return replace(standing, key=self._spoken[name])
        return standing

    def _lost(self, key: str, can: Capabilities) -> None:
        """What was made of a reference has gone: make it again."""
        self._spoken = {name: spoken for name, spoken in self._spoken.items() if spoken != key}
        for wish in [each for each, now in self._standings.items() if now.key == key]:
            self._begin(wish, can)
        self.on_change()

    def _expect(self, wish: Wish) -> None:
        handed = [each for each in wish.reference.clips if not (each.uri or each.claim)]
        digests = dict.fromkeys(each.digest for each in handed if each.digest is not None)
        self._expected[wish] = {digest: self.handed.expect(digest) for digest in digests}

    def _release(self, wish: Wish) -> None:
        for digest in self._expected.pop(wish, {}):
            self.handed.done(digest)

    def _forget(self, wish: Wish) -> None:
        del self._standings[wish]
        self._release(wish)
        self._next_try.pop(wish, None)
        task = self._tasks.pop(wish, None)
        if task is not None:
            task.cancel()

    def _keep(self) -> None:
        keys = (standing.key for standing in self._standings.values())
        made = {key for key in keys if key is not None}
        self._store.keep(frozenset(made | set(self._spoken.values())))

    async def _make(self, wish: Wish, can: Capabilities) -> None:
        """Try until it is there, or cannot be."""
        pause = _FIRST_PAUSE
        while True:
            standing = await self._tried(wish, can)
            self._release(wish)
            self._count(standing.reason.value if standing.reason else "ready")
            self._standings[wish] = standing
            self._keep()
            if standing.reason in RETRIED:
                self._next_try[wish] = self._clock() + pause
            self._changed.set()
            self.on_change()
            if standing.reason not in RETRIED:
                return
            await asyncio.sleep(pause)
            self._next_try.pop(wish, None)
            self._expect(wish)
            pause = min(2 * pause, _LONGEST_PAUSE)

    async def _tried(self, wish: Wish, can: Capabilities) -> Standing:
        clips, expected = wish.reference.clips, self._expected[wish]
        try:
            contents = await asyncio.gather(*expected.values())
            handed = dict(zip(expected, contents, strict=True))
            if not any(each.uri or each.claim for each in clips):
                return await self._made(wish, [handed[str(each.digest)] for each in clips], can)
            async with self._fetching:
                return await self._made(wish, await self._read(wish, handed), can)
        except UnfitReferenceError as error:
            return Standing(reason=error.reason, message=error.message)
        except Exception as error:  # whatever a model does, the others go on
            logger.exception("a voice could not be made of its reference")
            return Standing(
                reason=VoiceReason.CLONING_FAILED,
                message=f"the model could not make a voice of it ({error}); it is tried again",
            )

    async def _read(self, wish: Wish, handed: dict[str, bytes]) -> list[bytes]:
        return [
            await asyncio.to_thread(self._sources.read, clip)
            if clip.uri or clip.claim
            else handed[str(clip.digest)]
            for clip in wish.reference.clips
        ]

    async def _made(self, wish: Wish, contents: list[bytes], can: Capabilities) -> Standing:
        if can.cloning is None:
            raise ValueError("nothing is wished of a backend that cannot clone")
        key = state_key(wish, [digest_of(each) for each in contents], can, self._backend)
        if self._store.has(key):
            return Standing(key=key)
        async with self._embedding:
            reference = await asyncio.to_thread(heard, wish, contents, can.cloning)
            contents.clear()
            try:
                clone = await self._embed(reference)
                await asyncio.to_thread(self._store.put, key, clone)
            except NoRoomError as error:
                return Standing(
                    reason=VoiceReason.NO_ROOM,
                    message=f"there is no room to keep it ({error}): remove voices, or spread them "
                    "over several services",
                )
        return Standing(key=key)
