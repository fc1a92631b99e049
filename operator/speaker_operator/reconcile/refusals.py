"""What a pod's reasons mean here: each word of the contract is a reason of the registry."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from speaker_operator.reasons import Reason
from speaker_operator.reconcile.hearing import Refusal
from speaker_runtime.contract import SyncedVoice, VoiceReason

_REASONS: Final[Mapping[str, Reason]] = MappingProxyType(
    {
        VoiceReason.PREPARING: Reason.PREPARING,
        VoiceReason.BACKEND_CANNOT_CLONE: Reason.BACKEND_CANNOT_CLONE,
        VoiceReason.LANGUAGE_UNSUPPORTED: Reason.LANGUAGE_UNSUPPORTED,
        VoiceReason.TRANSCRIPT_MISSING: Reason.TRANSCRIPT_MISSING,
        VoiceReason.TOO_MANY_CLIPS: Reason.TOO_MANY_CLIPS,
        VoiceReason.FETCH_FAILED: Reason.AUDIO_FETCH_FAILED,
        VoiceReason.ADDRESS_FORBIDDEN: Reason.ADDRESS_FORBIDDEN,
        VoiceReason.DIGEST_MISMATCH: Reason.DIGEST_MISMATCH,
        VoiceReason.CLAIM_NOT_MOUNTED: Reason.CLAIM_NOT_MOUNTED,
        VoiceReason.FILE_NOT_FOUND: Reason.FILE_NOT_FOUND,
        VoiceReason.AUDIO_TOO_LARGE: Reason.AUDIO_TOO_LARGE,
        VoiceReason.NOT_AUDIO: Reason.NOT_AUDIO,
        VoiceReason.TOO_SHORT: Reason.TOO_SHORT,
        VoiceReason.TOO_LONG: Reason.TOO_LONG,
        VoiceReason.SILENT: Reason.SILENT,
        VoiceReason.CLIPPED: Reason.CLIPPED,
        VoiceReason.NOISY: Reason.NOISY,
        VoiceReason.NOT_SPEECH: Reason.NOT_SPEECH,
        VoiceReason.CLONING_FAILED: Reason.CLONING_FAILED,
        VoiceReason.NO_ROOM: Reason.NO_ROOM_FOR_VOICE,
    }
)


def refusals(voices: tuple[SyncedVoice, ...]) -> dict[str, Refusal]:
    """Why a pod cannot speak with some of its voices, by their names."""
    return {
        each.name: Refusal(_REASONS.get(each.reason, Reason.REFUSED_BY_POD), each.message)
        for each in voices
        if each.state != "ready"
    }
