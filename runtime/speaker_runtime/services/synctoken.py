"""The operator's word for what it sends to a running process: a signed token for each manifest."""

import time
from collections import Counter
from collections.abc import Callable
from typing import Final, TypeVar

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey
from pydantic import ValidationError

from speaker_runtime.contract import (
    SYNC_ALGORITHM,
    SYNC_CURVE,
    SYNC_TYPE,
    Manifest,
    SyncClaims,
    VoiceSyncConfig,
    digest_of,
)
from speaker_runtime.errors import ErrorCode, SpeechError

ManifestT = TypeVar("ManifestT", bound=Manifest)

LEEWAY_SECONDS: Final = 30
"""How far the clocks of two nodes may be apart."""
_REPORTED_PROBLEMS: Final = 5


class SyncToken:
    """Tells the operator's tokens from others.

    Args:
        config: Whose word counts.
        clock: Gives the time, in Unix seconds.
    """

    def __init__(self, config: VoiceSyncConfig, clock: Callable[[], float] = time.time) -> None:
        self._audience = config.service_uid
        self._clock = clock
        self._key = OKPKey.import_key({"kty": "OKP", "crv": SYNC_CURVE, "x": config.public_key})

    def verified(self, token: str, content: bytes, typ: str = SYNC_TYPE) -> SyncClaims:
        """What a token says.

        Raises:
            SpeechError: It is not the operator's word for this content, here and now.
        """
        try:
            opened = jwt.decode(token, self._key, algorithms=[SYNC_ALGORITHM])
            claims = SyncClaims.model_validate(opened.claims)
        except ValidationError as error:
            fields = ", ".join(".".join(map(str, each["loc"])) for each in error.errors())
            raise _refused(f"its claims do not fit: {fields}") from error
        except (JoseError, ValueError) as error:
            raise _refused("it is not signed by the operator of this service") from error
        now = self._clock()
        if opened.header.get("typ") != typ:
            raise _refused(f"its type is not {typ}")
        if claims.aud != self._audience:
            raise _refused("it is for another service")
        if claims.exp <= now - LEEWAY_SECONDS:
            raise _refused("it has expired")
        if claims.iat > now + LEEWAY_SECONDS:
            raise _refused("it is from the future: compare the clocks of the nodes")
        if claims.digest != digest_of(content):
            raise _refused("it is for another manifest, or other audio")
        return claims


def refuse_outdated(claims: SyncClaims, revision: int, *, known: bool, what: str) -> None:
    """Refuse what is older than what the process has.

    Args:
        claims: Of what it is sent.
        revision: Of what it has.
        known: Whether both are the same.
        what: What a manifest of this kind holds.

    Raises:
        SpeechError: It is older.
    """
    if claims.revision < revision or (claims.revision == revision and not known):
        raise SpeechError(
            ErrorCode.VOICES_OUTDATED,
            f"These {what} are of revision {claims.revision}; "
            f"this process has revision {revision}.",
        )


def read_manifest(kind: type[ManifestT], content: bytes) -> ManifestT:
    """Read what was sent.

    Raises:
        SpeechError: It is no manifest of this kind, or names something twice.
    """
    try:
        manifest = kind.model_validate_json(content)
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
    counted = Counter(part.name for part in manifest.parts)
    twice = [name for name, count in counted.items() if count > 1]
    if twice:
        raise SpeechError(
            ErrorCode.INVALID_VALUE,
            f"The manifest names twice: {', '.join(twice[:_REPORTED_PROBLEMS])}.",
            suggestion="Give each its own name.",
        )
    return manifest


def _refused(why: str) -> SpeechError:
    return SpeechError(ErrorCode.SYNC_UNAUTHORIZED, f"The token is not accepted: {why}.")
