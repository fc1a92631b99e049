"""The resources of ``speaker-tts.dev/v1alpha1``, one file per kind."""

from speaker_operator.api.v1alpha1.ttsservice import TTSService
from speaker_operator.api.v1alpha1.voice import Voice

__all__ = ["TTSService", "Voice"]
