"""Voices that change while the process runs: whose word counts, and which one is the newest."""

import asyncio
import time
from collections.abc import Callable
from typing import Final

from speaker_runtime.contract import (
    AUDIO_TYPE,
    REASONS_OF_OLD,
    SyncClaims,
    SyncedVoice,
    SyncReport,
    VoiceManifest,
    VoiceSyncConfig,
)
from speaker_runtime.errors import SpeechError
from speaker_runtime.services.metrics import RuntimeMetrics
from speaker_runtime.services.service import SpeechService
from speaker_runtime.services.synctoken import SyncToken, read_manifest, refuse_outdated
from speaker_runtime.voices.catalogue import Catalogue

_SETTLE_SECONDS: Final = 1.0
"""How long an answer may wait for voices that are being made; the operator waits for longer."""


class VoiceSync:
    """Takes manifests from the operator, one at a time, and never an older one than it has.

    What the process was started with counts as older than anything that it is sent.

    Args:
        config: Whose word counts.
        service: Whose voices change.
        metrics: What to count in.
        clock: Gives the time, in Unix seconds.
    """

    def __init__(
        self,
        config: VoiceSyncConfig,
        service: SpeechService,
        metrics: RuntimeMetrics,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._service = service
        self._metrics = metrics
        self._token = SyncToken(config, clock)
        self._digest = service.manifest.digest
        self._revision = 0
        self._one_at_a_time = asyncio.Lock()

    async def take(self, token: str, manifest: bytes) -> SyncReport:
        """Serve the voices of a manifest, if the token is the operator's word for it.

        Raises:
            SpeechError: It is not, the manifest is older than the present one or does not fit, or
                the backend is not loaded; the voices stay as they are.
        """
        try:
            claims = self._token.verified(token, manifest)
            async with self._one_at_a_time:
                await self._take(claims, manifest)
        except SpeechError:
            self._metrics.synced("refused")
            raise
        catalogue = await self._service.settled(_SETTLE_SECONDS)
        return self._report(catalogue)

    def take_audio(self, token: str, content: bytes) -> None:
        """Take reference audio that a manifest named; what nobody waits for is dropped.

        Raises:
            SpeechError: It is not the operator's.
        """
        try:
            claims = self._token.verified(token, content, AUDIO_TYPE)
        except SpeechError:
            self._metrics.synced("refused")
            raise
        if self._service.cloner is not None:
            self._service.cloner.handed.give(claims.digest, content)

    async def _take(self, claims: SyncClaims, manifest: bytes) -> None:
        known = claims.digest == self._digest
        refuse_outdated(claims, self._revision, known=known, what="voices")
        if known:
            self._service.catalogue()  # raises while the backend is not loaded
        else:
            await self._service.change_voices(read_manifest(VoiceManifest, manifest))
        self._digest, self._revision = claims.digest, claims.revision
        self._metrics.synced("unchanged" if known else "applied")

    def _report(self, catalogue: Catalogue) -> SyncReport:
        """The declared voices come first in a catalogue; behind them are the backend's presets."""
        declared = catalogue.voices[: len(self._service.manifest.voices)]
        cloner = self._service.cloner
        return SyncReport(
            digest=self._digest,
            voices=tuple(
                SyncedVoice(
                    name=voice.entry.name,
                    state=voice.state.value,
                    reason="" if voice.reason in REASONS_OF_OLD else voice.reason,
                    message=voice.message,
                )
                for voice in declared
            ),
            wanted=cloner.handed.wanted if cloner else (),
            ask_again_seconds=cloner.ask_again if cloner else None,
        )
