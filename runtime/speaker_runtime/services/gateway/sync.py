"""Routes that change while the gateway runs: whose word counts, and which ones are the newest."""

import asyncio

from speaker_runtime.contract import RouteManifest, SyncedVoice, SyncReport, VoiceSyncConfig
from speaker_runtime.services.gateway.gateway import Gateway
from speaker_runtime.services.synctoken import SyncToken, read_manifest, refuse_outdated


class RouteSync:
    """Takes routes from the operator, one manifest at a time, and never an older one than it has.

    The same manifest may come again: the answer tells how its servers fare by then.

    Args:
        config: Whose word counts.
        gateway: Whose routes change.
    """

    def __init__(self, config: VoiceSyncConfig, gateway: Gateway) -> None:
        self._gateway = gateway
        self._token = SyncToken(config)
        self._digest = gateway.routes.digest
        self._revision = 0
        self._one_at_a_time = asyncio.Lock()

    async def take(self, token: str, manifest: bytes) -> SyncReport:
        """Have the servers of a manifest, if the token is the operator's word for it.

        Raises:
            SpeechError: It is not, or the manifest is older than the present one or does not fit.
        """
        claims = self._token.verified(token, manifest)
        async with self._one_at_a_time:
            known = claims.digest == self._digest
            refuse_outdated(claims, self._revision, known=known, what="routes")
            if not known:
                await self._gateway.change_routes(read_manifest(RouteManifest, manifest))
            self._digest, self._revision = claims.digest, claims.revision
        await self._gateway.asked_once()
        return self._report()

    def _report(self) -> SyncReport:
        return SyncReport(
            digest=self._digest,
            voices=tuple(
                SyncedVoice(
                    name=server.name,
                    state="ready" if server.in_service else "failed",
                    message=server.reason,
                )
                for server in self._gateway.servers
            ),
        )
