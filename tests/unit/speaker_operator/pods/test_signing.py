"""The operator's signature."""

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OKPKey

from speaker_operator.pods.signing import InvalidKeyError, Signer, new_key, read_key
from speaker_runtime.contract import SYNC_TYPE, SyncClaims

NOW = 1_800_000_000


def test_a_token_says_for_whom_for_what_and_for_how_long() -> None:
    signer = Signer(read_key(new_key()), lambda: NOW)
    token = signer.token(service_uid="uid", digest="sha256:1", revision=7)
    public = OKPKey.import_key({"kty": "OKP", "crv": "Ed25519", "x": signer.public_key})
    opened = jwt.decode(token, public, algorithms=["Ed25519"])
    assert opened.header["typ"] == SYNC_TYPE
    claims = SyncClaims.model_validate(opened.claims)
    assert (claims.aud, claims.digest, claims.revision) == ("uid", "sha256:1", 7)
    assert (claims.iat, claims.exp) == (NOW, NOW + 60)


def test_a_key_is_the_same_after_it_was_kept() -> None:
    pem = new_key()
    keys = {Signer(read_key(pem), lambda: NOW).public_key for _ in range(2)}
    assert len(keys) == 1
    assert keys != {Signer(read_key(new_key()), lambda: NOW).public_key}


@pytest.mark.parametrize(
    "pem",
    [
        b"",
        b"secret",
        OKPKey.generate_key("X25519").as_pem(private=True),
        ECKey.generate_key("P-256").as_pem(private=True),
        read_key(new_key()).as_pem(private=False),
    ],
    ids=["nothing", "no PEM", "another curve", "another kind", "public"],
)
def test_what_is_no_private_key_of_the_operator_is_refused(pem: bytes) -> None:
    with pytest.raises(InvalidKeyError):
        read_key(pem)
