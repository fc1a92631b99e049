"""Sign manifests of voices as the operator does, or as somebody else would."""

import time
from typing import Any, Final

from joserfc import jwt
from joserfc.jwk import OKPKey

from speaker_runtime.contract import (
    AUDIO_TYPE,
    SYNC_ALGORITHM,
    SYNC_CURVE,
    SYNC_TYPE,
    SyncClaims,
    VoiceManifest,
    VoiceSyncConfig,
    digest_of,
)

SERVICE_UID: Final = "0c5b4f2e-8f3f-4d55-9d3c-1f6f3a7f0001"
LIFETIME: Final = 60


def new_key() -> OKPKey:
    return OKPKey.generate_key(SYNC_CURVE)


def sync_config(key: OKPKey) -> VoiceSyncConfig:
    public = key.as_dict(private=False)
    return VoiceSyncConfig(service_uid=SERVICE_UID, public_key=str(public["x"]))


def claims(manifest: bytes, revision: int = 1, **other: Any) -> dict[str, Any]:
    """What a good token says, or with some of it otherwise."""
    now = int(time.time())
    good = SyncClaims(
        aud=SERVICE_UID,
        iat=now,
        exp=now + LIFETIME,
        digest=digest_of(manifest),
        revision=revision,
    )
    return good.model_dump() | other


def signed(key: OKPKey, said: dict[str, Any], *, typ: str = SYNC_TYPE) -> str:
    return jwt.encode({"alg": SYNC_ALGORITHM, "typ": typ}, said, key, algorithms=[SYNC_ALGORITHM])


def order(key: OKPKey, voices: VoiceManifest, revision: int) -> tuple[dict[str, str], bytes]:
    """Headers and body of a request that changes the voices."""
    body = voices.to_json().encode()
    return {"Authorization": f"Bearer {signed(key, claims(body, revision))}"}, body


def handing(key: OKPKey, audio: bytes) -> tuple[dict[str, str], bytes]:
    """Headers and body of a request that hands audio over."""
    return {"Authorization": f"Bearer {signed(key, claims(audio), typ=AUDIO_TYPE)}"}, audio
