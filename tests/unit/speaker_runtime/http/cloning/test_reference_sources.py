"""References that are fetched, or read from a claim."""

import asyncio
from pathlib import Path

import pytest

from speaker_runtime.contract import (
    ClaimFile,
    ReferenceClip,
    VoiceEntry,
    digest_of,
)
from tests.support.tone import ToneBackend
from tests.support.webserver import Answer, Site
from tests.unit.speaker_runtime.http.cloning.pods import HIGH, LOW, WITHIN, Pod, placed, running


async def test_audio_is_fetched_from_an_address(pod: Pod, site: Site) -> None:
    (state,) = await pod.serve(placed("ana", ReferenceClip(uri=f"{site.url}/low.wav")))
    assert state.state == "ready"
    assert await pod.pitch("ana") == pytest.approx(110, rel=0.1)


async def test_a_fetch_that_fails_is_told_and_tried_again(pod: Pod, site: Site) -> None:
    site.plans["/low.wav"] = [Answer(503)]
    voice = placed("ana", ReferenceClip(uri=f"{site.url}/low.wav", digest=digest_of(LOW)))
    (state,) = await pod.serve(voice)
    assert (state.state, state.reason) == ("failed", "FetchFailed")
    report = await pod.send(voice)
    assert report.ask_again_seconds is not None
    assert 0 < report.ask_again_seconds < 3

    async with asyncio.timeout(WITHIN):
        while report.voices[0].state != "ready":
            await asyncio.sleep(report.ask_again_seconds or 0.1)
            report = await pod.send(voice)
    assert report.ask_again_seconds is None


async def test_the_digest_of_a_fetched_file_counts(pod: Pod, site: Site) -> None:
    voice = placed("ana", ReferenceClip(uri=f"{site.url}/low.wav", digest=digest_of(HIGH)))
    (state,) = await pod.serve(voice)
    assert state.reason == "DigestMismatch"
    assert digest_of(LOW) in state.message


async def test_private_addresses_need_leave(
    tmp_path: Path, backend: ToneBackend, site: Site
) -> None:
    async with running(tmp_path, backend, allow_private_addresses=False) as pod:
        (state,) = await pod.serve(placed("ana", ReferenceClip(uri=f"{site.url}/low.wav")))
        assert state.reason == "AddressForbidden"
        assert site.requests == []


async def test_claims_are_read_within_their_volume(
    pod: Pod, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    studio = tmp_path / "claims" / "studio"
    (studio / "takes").mkdir(parents=True)
    (studio / "takes" / "one.wav").write_bytes(LOW)
    (studio / "way-out").symlink_to("/etc/hostname")
    (tmp_path / "claims" / "secret.wav").write_bytes(LOW)
    cloner = pod.http._transport.app.state.runtime.service.cloner  # type: ignore[attr-defined]
    monkeypatch.setattr(cloner._sources, "_claims", tmp_path / "claims")

    def on_claim(name: str, path: str, voice: str) -> VoiceEntry:
        return placed(voice, ReferenceClip(claim=ClaimFile(name=name, path=path)))

    states = await pod.serve(
        on_claim("studio", "takes/one.wav", "ana"),
        on_claim("studio", "takes/two.wav", "gone"),
        on_claim("studio", "../secret.wav", "out"),
        on_claim("studio", "way-out", "linked"),
        on_claim("attic", "one.wav", "unmounted"),
    )
    assert [each.reason for each in states] == [
        "", "FileNotFound", "FileNotFound", "FileNotFound", "ClaimNotMounted",
    ]  # fmt: skip
