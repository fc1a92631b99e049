"""Voices that change while the process runs: whose word counts, and which one is the newest."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from typing import Final

from pydantic import ValidationError

from speaker_runtime.contract import (
    SyncClaims,
    SyncedVoice,
    SyncReport,
    VoiceManifest,
    VoiceSyncConfig,
)
from speaker_runtime.errors import ErrorCode, SpeechError
from speaker_runtime.services.metrics import RuntimeMetrics
from speaker_runtime.services.service import SpeechService
from speaker_runtime.services.synctoken import SyncToken, refuse_outdated
from speaker_runtime.voices.catalogue import Catalogue

_REPORTED_PROBLEMS: Final = 5


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
                return await self._take(claims, manifest)
        except SpeechError:
            self._metrics.synced("refused")
            raise

    async def _take(self, claims: SyncClaims, manifest: bytes) -> SyncReport:
        known = claims.digest == self._digest
        refuse_outdated(claims, self._revision, known=known, what="voices")
        if known:
            catalogue = self._service.catalogue()
        else:
            catalogue = await self._service.change_voices(_read(manifest))
        self._digest, self._revision = claims.digest, claims.revision
        self._metrics.synced("unchanged" if known else "applied")
        return _report(self._digest, self._service.manifest, catalogue)


def _read(manifest: bytes) -> VoiceManifest:
    try:
        voices = VoiceManifest.model_validate_json(manifest)
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, each['loc'])) or 'the whole'}: {each['msg']}"
            for each in error.errors()[:_REPORTED_PROBLEMS]
        )
        raise SpeechError(
            ErrorCode.INVALID_VALUE,
            f"The manifest does not fit: {problems}.",
            suggestion="Run pods of the operator's own version.",
        ) from error
    twice = [
        name for name, count in Counter(each.name for each in voices.voices).items() if count > 1
    ]
    if twice:
        raise SpeechError(
            ErrorCode.INVALID_VALUE,
            f"The manifest names a voice twice: {', '.join(twice[:_REPORTED_PROBLEMS])}.",
            suggestion="Name each voice once.",
        )
    return voices


def _report(digest: str, manifest: VoiceManifest, catalogue: Catalogue) -> SyncReport:
    """The declared voices come first in a catalogue; behind them are the backend's presets."""
    declared = catalogue.voices[: len(manifest.voices)]
    return SyncReport(
        digest=digest,
        voices=tuple(
            SyncedVoice(name=voice.entry.name, state=voice.state.value, message=voice.message)
            for voice in declared
        ),
    )
