"""The operator's signature, by which pods know that voices come from it."""

from collections.abc import Callable
from typing import Final

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from speaker_runtime.contract import SYNC_ALGORITHM, SYNC_CURVE, SYNC_TYPE, SyncClaims

TOKEN_SECONDS: Final = 60
"""How long a token counts: enough for one request between clocks that are a little apart."""


class InvalidKeyError(ValueError):
    """What should be the operator's key is none."""


class Signer:
    """Signs for the pods of any service.

    Args:
        key: An Ed25519 private key.
        clock: Gives the time, in Unix seconds.
    """

    def __init__(self, key: OKPKey, clock: Callable[[], float]) -> None:
        self._key = key
        self._clock = clock

    @property
    def public_key(self) -> str:
        """The public key: 32 bytes in URL-safe base64."""
        return str(self._key.as_dict(private=False)["x"])

    def token(self, *, service_uid: str, digest: str, revision: int, typ: str = SYNC_TYPE) -> str:
        """A token for one manifest of one service, or for audio that it names."""
        now = int(self._clock())
        claims = SyncClaims(
            aud=service_uid, iat=now, exp=now + TOKEN_SECONDS, digest=digest, revision=revision
        )
        header = {"alg": SYNC_ALGORITHM, "typ": typ}
        return jwt.encode(header, claims.model_dump(), self._key, algorithms=[SYNC_ALGORITHM])


def new_key() -> bytes:
    """A new private key, as PEM."""
    return OKPKey.generate_key(SYNC_CURVE).as_pem(private=True)


def read_key(pem: bytes) -> OKPKey:
    """Read a private key; raises :class:`InvalidKeyError`."""
    try:
        key = OKPKey.import_key(pem)
    except (JoseError, ValueError, TypeError) as error:
        raise InvalidKeyError("it is no key in PEM") from error
    if not key.is_private or key.curve_name != SYNC_CURVE:
        raise InvalidKeyError(f"it is no private {SYNC_CURVE} key")
    return key
