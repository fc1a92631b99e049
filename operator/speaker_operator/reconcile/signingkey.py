"""The operator's key pair: made once, kept in a Secret, shared by all replicas."""

import base64
import logging
from collections.abc import Callable
from typing import Final

from speaker_operator.kube.client import KubeClient
from speaker_operator.kube.errors import ConflictError
from speaker_operator.kube.rbac import KEY_SECRET
from speaker_operator.kube.resources import SECRET, JsonObject
from speaker_operator.pods.signing import InvalidKeyError, Signer, new_key, read_key

logger = logging.getLogger(__name__)

_FIELD: Final = "ed25519.pem"


async def load_signer(client: KubeClient, namespace: str, clock: Callable[[], float]) -> Signer:
    """Read the operator's key, or make it.

    Args:
        client: Asks for the Secret.
        namespace: Where it is.
        clock: Gives the time, in Unix seconds.

    Raises:
        KubeError: The Secret can be neither read nor made.
        InvalidKeyError: The Secret holds something else; the message says what to do.
    """
    secret = await client.read(SECRET, namespace, KEY_SECRET)
    if secret is None:
        secret = await _create(client, namespace)
    try:
        key = read_key(base64.b64decode(secret.get("data", {}).get(_FIELD, "")))
    except ValueError as error:
        raise InvalidKeyError(
            f"Secret {namespace}/{KEY_SECRET}, {_FIELD}: {error}; delete the Secret, and a new "
            "one is made (all services' pods are replaced then)"
        ) from error
    return Signer(key, clock)


async def _create(client: KubeClient, namespace: str) -> JsonObject:
    manifest = {
        "apiVersion": SECRET.api_version,
        "kind": SECRET.kind,
        "metadata": {"namespace": namespace, "name": KEY_SECRET},
        "type": "Opaque",
        "data": {_FIELD: base64.b64encode(new_key()).decode()},
    }
    try:
        made = await client.create(manifest)
    except ConflictError:  # another replica was faster
        there = await client.read(SECRET, namespace, KEY_SECRET)
        if there is None:
            raise
        return there
    logger.info("Made the key in Secret %s/%s", namespace, KEY_SECRET)
    return made
