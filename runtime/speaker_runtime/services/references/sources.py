"""Where a clip's bytes come from: the operator, an address, or a claim that the pod mounts."""

import asyncio
from collections import OrderedDict
from pathlib import Path
from typing import Final

from speaker_runtime.audio.clips import UnfitReferenceError
from speaker_runtime.contract import (
    CLAIMS_DIRECTORY,
    MOST_CLIPS_AT_ONCE,
    ClaimFile,
    ReferenceClip,
    VoiceReason,
    digest_of,
)
from speaker_runtime.services.references.fetching import MOST_BYTES, Fetcher


class HandedOver:
    """What the operator hands over: at most :data:`MOST_CLIPS_AT_ONCE` clips are held."""

    def __init__(self) -> None:
        self._awaited: OrderedDict[str, asyncio.Future[bytes]] = OrderedDict()
        self._waiting: dict[str, int] = {}
        self._held = 0

    @property
    def wanted(self) -> tuple[str, ...]:
        """Digests of what is to be handed over next, in the order in which it is needed."""
        open_ones = [digest for digest, content in self._awaited.items() if not content.done()]
        return tuple(open_ones[: max(0, MOST_CLIPS_AT_ONCE - self._held)])

    def give(self, digest: str, content: bytes) -> None:
        """Take a clip; one that nobody waits for is dropped."""
        if digest in self.wanted:
            self._awaited[digest].set_result(content)
            self._held += 1

    def expect(self, digest: str) -> asyncio.Future[bytes]:
        """Ask for a clip; to be followed by :meth:`done`, which gives its room back."""
        content = self._awaited.get(digest)
        if content is None:
            content = self._awaited[digest] = asyncio.get_running_loop().create_future()
        self._waiting[digest] = self._waiting.get(digest, 0) + 1
        return asyncio.shield(content)  # others may wait for it, too

    def done(self, digest: str) -> None:
        """Whoever expected the clip needs it no more, or will not wait for it."""
        self._waiting[digest] -= 1
        if not self._waiting[digest]:
            del self._waiting[digest]
            self._held -= self._awaited.pop(digest).done()


class Sources:
    """Reads clips from addresses and claims, off the event loop.

    Args:
        fetcher: Asks addresses.
        claims: Where claims are mounted, each in a folder of its name.
    """

    def __init__(self, fetcher: Fetcher, claims: Path = CLAIMS_DIRECTORY) -> None:
        self._fetcher = fetcher
        self._claims = claims

    def read(self, clip: ReferenceClip) -> bytes:
        """The bytes of a clip that is not handed over; blocks.

        Raises:
            UnfitReferenceError: They cannot be had, or are not those that were declared.
        """
        if clip.uri is not None:
            content, where = self._fetcher.fetch(clip.uri), "the address"
        elif clip.claim is not None:
            content, where = self._from_claim(clip.claim), f"claim {clip.claim.name}"
        else:
            raise ValueError("the operator hands this clip over")
        digest = digest_of(content)
        if clip.digest not in {None, digest}:
            raise UnfitReferenceError(
                VoiceReason.DIGEST_MISMATCH,
                f"the file from {where} has the digest {digest}: correct the file, or the digest",
            )
        return content

    def _from_claim(self, file: ClaimFile) -> bytes:
        root = (self._claims / file.name).resolve()
        if file.name in {"", ".", ".."} or "/" in file.name or not root.is_dir():
            raise UnfitReferenceError(
                VoiceReason.CLAIM_NOT_MOUNTED,
                f"the pods do not mount the claim {file.name}: add it to spec.voices.claims of the "
                "TTSService",
            )
        path = (root / file.path).resolve()
        if not path.is_relative_to(root) or not path.is_file():
            raise UnfitReferenceError(
                VoiceReason.FILE_NOT_FOUND,
                f"there is no file {file.path} on the claim {file.name}; it is looked for again",
            )
        try:
            if path.stat().st_size > MOST_BYTES:
                raise UnfitReferenceError(
                    VoiceReason.AUDIO_TOO_LARGE,
                    f"{file.path} is larger than {MOST_BYTES >> 20} MiB: compress it, or cut it",
                )
            return path.read_bytes()
        except OSError as error:
            raise UnfitReferenceError(
                VoiceReason.FILE_NOT_FOUND,
                f"{file.path} on the claim {file.name} cannot be read ({error.strerror}); it is "
                "tried again",
            ) from error


RETRIED: Final = frozenset(
    {
        VoiceReason.FETCH_FAILED,
        VoiceReason.FILE_NOT_FOUND,
        VoiceReason.DIGEST_MISMATCH,
        VoiceReason.CLONING_FAILED,
        VoiceReason.NO_ROOM,
    }
)
"""What may pass without a change of the voice."""
