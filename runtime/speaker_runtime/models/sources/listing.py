"""A model's directory as others offer it: its manifest beside its files.

Any directory that ``speaker-runtime model fetch`` filled can be offered, by a web server or on a
volume. The address may end in ``@sha256:…``, the manifest's digest, which pins every byte.
"""

import re
from typing import Final

from pydantic import ValidationError

from speaker_runtime.contract import ExitCode
from speaker_runtime.models import manifest as manifests
from speaker_runtime.models.errors import ModelError
from speaker_runtime.models.manifest import MANIFEST_FILE, ModelManifest

_PIN: Final = re.compile(r"(.+?)/*(?:@(sha256:[0-9a-f]{64}))?")


def split_pin(address: str) -> tuple[str, str | None]:
    """The address of the directory, and the digest that its manifest has to have.

    Raises:
        ModelError: What follows the ``@`` is no digest.
    """
    match = _PIN.fullmatch(address)
    if match is None or "@sha256" in match[1]:
        raise ModelError(
            ExitCode.INVALID_CONFIG,
            f"model.source {address!r} does not end in a digest.",
            "Write @sha256: and 64 hexadecimal digits after the directory, or nothing.",
        )
    return match[1], match[2]


def read_listing(content: bytes, where: str, pin: str | None) -> ModelManifest:
    """The manifest of what is offered.

    Raises:
        ModelError: It is no manifest, or not the one that was pinned.
    """
    try:
        manifest = ModelManifest.model_validate_json(content)
    except ValidationError as error:
        first = error.errors()[0]
        raise ModelError(
            ExitCode.MODEL_CORRUPT,
            f"{where} is no model's manifest: {'.'.join(map(str, first['loc']))} {first['msg']}.",
            f"Offer a directory that `speaker-runtime model fetch` filled, {MANIFEST_FILE} "
            "included.",
        ) from error
    digest = manifests.build("", manifest.files).digest
    if pin is not None and digest != pin:
        raise ModelError(
            ExitCode.MODEL_CORRUPT,
            f"{where} has the digest {digest}, not {pin} as model.source says.",
            "It was changed since it was pinned: check why, and correct the digest.",
        )
    return manifest
