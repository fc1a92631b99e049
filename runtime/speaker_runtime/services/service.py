"""The speech service: what a client asked for, checked and handed to the engine."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

from speaker_runtime.audio.pipeline import Pipeline
from speaker_runtime.backends.protocol import Capabilities, ClonedVoice
from speaker_runtime.contract import ServingConfig, VoiceManifest
from speaker_runtime.engine.engine import Engine
from speaker_runtime.engine.placing import usable_cpus
from speaker_runtime.errors import ErrorCode, SpeechError
from speaker_runtime.services.cache.audio import AudioCache, OrderCache, Uncached
from speaker_runtime.services.metrics import RuntimeMetrics
from speaker_runtime.services.planning import Plan, SpeechOrder, plan
from speaker_runtime.services.plans import Planned, Plans
from speaker_runtime.services.pool import RankedPool
from speaker_runtime.services.preview import Part, Preview, Shelf, split_plan
from speaker_runtime.services.production import Live, Production, Replay
from speaker_runtime.services.recording import Recordings
from speaker_runtime.services.references.cloner import Cloner
from speaker_runtime.services.speech import Speech
from speaker_runtime.services.timing import Timing
from speaker_runtime.services.watch import Watch
from speaker_runtime.text.lexicon import Lexicon
from speaker_runtime.voices.catalogue import Catalogue, Voice
from speaker_runtime.voices.standing import key_of


class SpeechService:
    """Turns orders into speech, as long as the process is not ending.

    Args:
        engine: What speaks.
        manifest: The declared voices.
        limits: Of one request, and the deployment's lexicon.
        metrics: What to count in.
        cache: Of what was spoken before, if there is one; closed together with the service.
        cloner: Makes voices of reference audio, where the service may.
    """

    def __init__(
        self,
        engine: Engine,
        manifest: VoiceManifest,
        limits: ServingConfig,
        metrics: RuntimeMetrics,
        cache: AudioCache | None = None,
        *,
        cloner: Cloner | None = None,
    ) -> None:
        self._engine = engine
        self.cloner = cloner
        """Makes voices of reference audio, where the service may."""
        if cloner is not None:
            cloner.on_change = self._renew
        self._manifest = manifest
        self._limits = limits
        self._lexicon = Lexicon(limits.lexicon)
        self._metrics = metrics
        self._cache = cache
        self._pool = RankedPool(usable_cpus(), "audio")
        self._active: set[object] = set()
        self._none_active = asyncio.Event()
        self._none_active.set()
        self._shelf = Shelf()
        self._plans = Plans()
        watch = Watch(self.capabilities, self._pool.at, metrics.faulty)
        self._recordings = Recordings(engine.submit, watch)
        self._ending = asyncio.Event()
        self._catalogue: Catalogue | None = None

    @property
    def is_draining(self) -> bool:
        """Whether new orders are refused because the process is ending."""
        return self._ending.is_set()

    def capabilities(self) -> Capabilities:
        """What the loaded backend can do.

        Raises:
            SpeechError: It is not loaded yet, or failed.
        """
        state = self._engine.state
        if state.capabilities is None:
            raise SpeechError(
                ErrorCode.MODEL_NOT_READY,
                f"The model is not ready: {state.phase}.",
                retry_after=1,
            )
        return state.capabilities

    def catalogue(self) -> Catalogue:
        """The voices; known once the backend is loaded. Called on the event loop.

        Raises:
            SpeechError: It is not loaded yet, or failed.
        """
        if self._catalogue is None:
            if self.cloner is not None:
                self.cloner.want(self._manifest.voices, self.capabilities())
            self._catalogue = self._catalogue_of(self._manifest)
        return self._catalogue

    @property
    def manifest(self) -> VoiceManifest:
        """The declared voices, as they are now."""
        return self._manifest

    async def change_voices(self, manifest: VoiceManifest) -> Catalogue:
        """Offer other voices from now on; orders that were taken keep theirs.

        Raises:
            SpeechError: The backend is not loaded yet, or failed; the voices stay as they are.
        """
        if self.cloner is None:
            changed = await asyncio.to_thread(self._catalogue_of, manifest)
            self._manifest, self._catalogue = manifest, changed
        else:
            self.cloner.want(manifest.voices, self.capabilities())
            self._manifest = manifest
            self._renew()
        return self.catalogue()

    async def settled(self, seconds: float) -> Catalogue:
        """The voices, once none is being made of audio that is here, or after so many seconds."""
        if self.cloner is not None:
            await self.cloner.settled(seconds)
        return self.catalogue()

    async def speak(self, order: SpeechOrder) -> Speech:
        """Queue an order; the result is to be started, and closed in any case.

        Raises:
            SpeechError: The order cannot be carried out, now or ever.
        """
        planned = await self._planned(order)
        return await self._carry_out(order, planned)

    async def preview(self, order: SpeechOrder) -> Preview:
        """Show how an order would be carried out; its sentences can be spoken by address then.

        Raises:
            SpeechError: The order cannot be carried out, now or ever.
        """
        planned = await self._planned(order)
        can = self.capabilities()
        parts = split_plan(order, planned.plan, can.characters_per_second)
        lengths = await asyncio.gather(*(self._measure(part) for part in parts))
        for part in parts:
            self._shelf.put(part)
        return Preview(parts, tuple(lengths), planned.warnings)

    async def speak_part(self, address: str, client: str, label: str) -> tuple[Speech, SpeechOrder]:
        """Queue a sentence of a preview; the speech is to be started, and closed in any case.

        Raises:
            SpeechError: Nothing has the address, or it cannot be spoken now.
        """
        self._require_service()
        part = self._shelf.get(address)
        order = replace(part.order, client=client, label=label)
        speech = await self._carry_out(order, Planned(part.plan, ()))
        speech.on_complete = partial(self._shelf.learn, address)
        return speech, order

    @contextmanager
    def attended(self) -> Iterator[None]:
        """Let :meth:`drain` wait for what goes on meanwhile, as it does for speech."""
        work = object()
        self._keep(work)
        try:
            yield
        finally:
            self._forget(work)

    async def ending(self) -> None:
        """Return once the process is ending."""
        await self._ending.wait()

    async def drain(self, seconds: float) -> None:
        """Refuse new orders and wait until the running ones are done, at most ``seconds``."""
        self._ending.set()
        try:
            async with asyncio.timeout(seconds):
                await self._none_active.wait()
        except TimeoutError:
            # The engine's end tells the rest of them why they are cut short.
            return

    def close(self) -> None:
        """Give the encoders' threads back; the engine is stopped by then."""
        self._pool.close()
        if self._cache:
            self._cache.close()

    def _require_service(self) -> None:
        if self.is_draining:
            raise SpeechError(ErrorCode.SHUTTING_DOWN, "This process is ending.", retry_after=1)

    async def _planned(self, order: SpeechOrder) -> Planned:
        self._require_service()
        self._check_length(order.text)
        catalogue, can = self.catalogue(), self.capabilities()
        planned = self._plans.get(order, catalogue, can)
        if planned is None:
            planned = await asyncio.get_running_loop().run_in_executor(
                self._pool.at(order.priority.rank), self._plan, order, catalogue, can
            )
            self._plans.keep(order, catalogue, can, planned)
        return planned

    async def _carry_out(self, order: SpeechOrder, planned: Planned) -> Speech:
        can = self.capabilities()
        todo = planned.plan
        cached = await self._cache.order(order, todo, can) if self._cache else Uncached()
        speech = Speech(
            characters=len(order.text),
            production=self._production(order, todo, can, cached),
            metrics=self._metrics,
            warnings=planned.warnings,
            on_close=self._forget,
        )
        self._keep(speech)
        self._metrics.accepted(len(order.text))
        return speech

    async def _measure(self, part: Part) -> float | None:
        """How long the audio of a part is, where that is known."""
        if self._cache:
            cached = await self._cache.order(part.order, part.plan, self.capabilities())
            if cached.answer is not None:
                return cached.answer.pieces[-1].seconds
        return self._shelf.length(part.address)

    def _plan(self, order: SpeechOrder, catalogue: Catalogue, can: Capabilities) -> Planned:
        made = plan(order, catalogue, can, self._lexicon, self._clone)
        return Planned(made, (*made.warnings, *self._engine.check(made.requests)))

    def _catalogue_of(self, manifest: VoiceManifest) -> Catalogue:
        can = self.capabilities()
        clones = self.cloner.standings(manifest.voices, can) if self.cloner else {}
        return Catalogue(manifest, can.presets, mixes_presets=can.mixes_presets, clones=clones)

    def _renew(self) -> None:
        """Some voice has become ready, or has failed."""
        if self._engine.state.capabilities is not None:
            self._catalogue = self._catalogue_of(self._manifest)

    def _clone(self, voice: Voice) -> ClonedVoice | None:
        """What the model made of the voice's reference; read on a thread of the pool."""
        key = key_of(voice.speaker)
        if self.cloner is None or key is None:
            return None
        return self.cloner.load(key, self.capabilities())

    def _production(
        self, order: SpeechOrder, planned: Plan, can: Capabilities, cached: OrderCache
    ) -> Production:
        if cached.answer is not None:
            return Replay(cached.answer, planned.captions)
        return Live(
            listener=self._recordings.listen(planned.job(order), cached),
            places=planned.places,
            timing=Timing(planned.captions, planned.places),
            pipeline=partial(
                Pipeline, order.audio_format, can.sample_rate, planned.sections, planned.end
            ),
            pool=self._pool.at(order.priority.rank),
            cached=cached,
        )

    def _check_length(self, text: str) -> None:
        if not text.strip():
            raise SpeechError(ErrorCode.EMPTY_INPUT, "`input` has no text.", param="input")
        limit = self._limits.max_input_characters
        if len(text) > limit:
            raise SpeechError(
                ErrorCode.INPUT_TOO_LONG,
                f"`input` has {len(text)} characters; this service accepts {limit}.",
                param="input",
            )

    def _keep(self, work: object) -> None:
        self._active.add(work)
        self._none_active.clear()

    def _forget(self, work: object) -> None:
        self._active.discard(work)
        if not self._active:
            self._none_active.set()
