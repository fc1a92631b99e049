"""Addresses that people wrote down: what they may lead to, and how long that may take."""

import socket

import httpcore2
import pytest

from speaker_runtime.audio.clips import UnfitReferenceError
from speaker_runtime.contract import VoiceReason
from speaker_runtime.services.references import fetching
from speaker_runtime.services.references.fetching import Fetcher
from tests.support.webserver import Answer, Site, website

AUDIO = b"RIFF" + bytes(1000)


@pytest.fixture
def site() -> "Site":  # type: ignore[misc]
    with website() as site:
        site.files["/ana.wav"] = AUDIO
        yield site


def failure(fetcher: Fetcher, uri: str) -> UnfitReferenceError:
    with pytest.raises(UnfitReferenceError) as caught:
        fetcher.fetch(uri)
    return caught.value


def test_a_file_is_fetched_where_private_addresses_are_allowed(site: Site) -> None:
    assert Fetcher(allow_private=True).fetch(f"{site.url}/ana.wav") == AUDIO


FORBIDDEN = [
    "http://127.0.0.1/a.wav",
    "http://localhost/a.wav",
    "http://10.96.0.1/a.wav",
    "http://192.168.1.1/a.wav",
    "http://172.16.0.1/a.wav",
    "http://100.64.0.1/a.wav",
    "http://169.254.169.254/latest/meta-data",
    "http://0.0.0.0/a.wav",
    "http://[::1]/a.wav",
    "http://[fd00::1]/a.wav",
    "http://[fe80::1]/a.wav",
    "http://[::ffff:10.0.0.1]/a.wav",
    "http://[64:ff9b::a00:1]/a.wav",
    "http://[2002:0a00:0001::]/a.wav",
    "http://224.0.0.1/a.wav",
    "http://2130706433/a.wav",
]


@pytest.mark.parametrize("uri", FORBIDDEN)
def test_addresses_that_are_not_public_are_not_asked(uri: str) -> None:
    error = failure(Fetcher(), uri)
    assert error.reason is VoiceReason.ADDRESS_FORBIDDEN
    assert "voices.allowPrivateAddresses" in error.message


def test_the_machine_itself_is_never_asked_about_its_credentials() -> None:
    error = failure(Fetcher(allow_private=True), "http://169.254.169.254/latest/meta-data")
    assert error.reason is VoiceReason.ADDRESS_FORBIDDEN


def test_a_name_is_looked_up_once_and_what_was_found_is_what_is_asked(
    monkeypatch: pytest.MonkeyPatch, site: Site
) -> None:
    """A name that first leads to a public address and then to a private one gains nothing."""
    answers = [["93.184.215.14"], ["127.0.0.1"]]
    asked = []

    def resolve(host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        asked.append(host)
        found = answers.pop(0)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port)) for each in found]

    connected = []

    class Network:
        def connect_tcp(self, host: str, *_: object) -> object:
            connected.append(host)
            raise httpcore2.ConnectError("refused")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    fetcher = Fetcher()
    monkeypatch.setattr(fetcher._backend, "_network", Network())
    assert failure(fetcher, "http://rebinding.test/a.wav").reason is VoiceReason.FETCH_FAILED
    assert (asked, connected) == (["rebinding.test"], ["93.184.215.14"])
    assert failure(fetcher, "http://rebinding.test/a").reason is VoiceReason.ADDRESS_FORBIDDEN


def test_redirects_are_followed_and_looked_at_again(site: Site) -> None:
    site.files["/moved"] = b""
    site.plans["/moved"] = [Answer(302, {"Location": "/ana.wav"})]
    assert Fetcher(allow_private=True).fetch(f"{site.url}/moved") == AUDIO
    site.plans["/moved"] = [Answer(302, {"Location": "http://169.254.169.254/latest"})]
    error = failure(Fetcher(allow_private=True), f"{site.url}/moved")
    assert error.reason is VoiceReason.ADDRESS_FORBIDDEN
    site.plans["/moved"] = [Answer(302, {"Location": "file:///etc/passwd"})]
    assert "file://" in failure(Fetcher(allow_private=True), f"{site.url}/moved").message
    site.plans["/moved"] = [Answer(302, {"Location": "/moved"})] * 9
    assert "more than 5" in failure(Fetcher(allow_private=True), f"{site.url}/moved").message


@pytest.mark.parametrize("status", [401, 404, 500, 503])
def test_what_is_not_there_is_told_without_secrets(site: Site, status: int) -> None:
    site.plans["/ana.wav"] = [Answer(status)]
    error = failure(Fetcher(allow_private=True), f"{site.url}/ana.wav?token=s3cret")
    assert error.reason is VoiceReason.FETCH_FAILED
    assert f"it answers {status}" in error.message
    assert "s3cret" not in error.message


def test_size_and_time_are_bounded(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "MOST_BYTES", 500)
    error = failure(Fetcher(allow_private=True), f"{site.url}/ana.wav")
    assert error.reason is VoiceReason.AUDIO_TOO_LARGE
    monkeypatch.undo()
    ticks = iter([0.0, 31.0, 62.0])
    error = failure(Fetcher(allow_private=True, clock=lambda: next(ticks)), f"{site.url}/ana.wav")
    assert "within 30 s" in error.message


def test_a_cut_connection_is_a_failure(site: Site) -> None:
    site.plans["/ana.wav"] = [Answer(cut_after=10)]
    error = failure(Fetcher(allow_private=True), f"{site.url}/ana.wav")
    assert error.reason is VoiceReason.FETCH_FAILED
