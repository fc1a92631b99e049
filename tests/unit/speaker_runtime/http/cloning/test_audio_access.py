"""Audio is taken from the operator only, and only so much."""

from collections.abc import Callable

import pytest

from speaker_runtime.contract import (
    VOICE_AUDIO_PATH,
    VOICE_SYNC_PATH,
    VoiceManifest,
    digest_of,
)
from tests.support.syncing import claims, new_key, signed
from tests.unit.speaker_runtime.http.cloning.pods import HIGH, KEY, LOW, Pod, handed

STRANGERS: dict[str, Callable[[], str]] = {
    "no token": str,
    "somebody else's": lambda: signed(new_key(), claims(LOW), typ="voice-audio+jwt"),
    "of a manifest": lambda: signed(KEY, claims(LOW)),
    "of other audio": lambda: signed(KEY, claims(HIGH), typ="voice-audio+jwt"),
    "expired": lambda: signed(KEY, claims(LOW, exp=1), typ="voice-audio+jwt"),
}


@pytest.mark.parametrize("who", STRANGERS)
async def test_audio_is_taken_from_the_operator_only(pod: Pod, who: str) -> None:
    await pod.send(handed("ana", LOW))
    headers = {"Authorization": f"Bearer {STRANGERS[who]()}"}
    answer = await pod.http.post(VOICE_AUDIO_PATH, headers=headers, content=LOW)
    assert answer.status_code == 401
    assert (await pod.send(handed("ana", LOW))).wanted == (digest_of(LOW),)


async def test_a_token_for_audio_changes_no_voices(pod: Pod) -> None:
    body = VoiceManifest().to_json().encode()
    token = signed(KEY, claims(body, 9), typ="voice-audio+jwt")
    headers = {"Authorization": f"Bearer {token}"}
    answer = await pod.http.post(VOICE_SYNC_PATH, headers=headers, content=body)
    assert answer.status_code == 401


async def test_audio_beyond_the_bound_is_not_read(pod: Pod) -> None:
    answer = await pod.hand_over(bytes(2**20 + 1))
    assert answer.status_code == 413
