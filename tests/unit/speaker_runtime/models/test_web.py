"""Reading over HTTP from a real server that cuts, lies and is busy."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, formatdate

import pytest

from speaker_runtime.contract import ExitCode
from speaker_runtime.models.errors import ModelError
from speaker_runtime.models.web import ATTEMPTS, Web
from tests.support.webserver import Answer, Site, website

FILE = bytes(range(256)) * 8192


@pytest.fixture
def site() -> Iterator[Site]:
    with website() as running:
        running.files["/file"] = FILE
        yield running


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
def web(pauses: list[float]) -> Web:
    return Web(pause=pauses.append)


def read(web: Web, url: str, *, offset: int = 0, size: int | None = len(FILE)) -> bytes:
    return b"".join(web.read(url, offset=offset, size=size))


def failure(web: Web, url: str, *, size: int | None = len(FILE)) -> ModelError:
    with pytest.raises(ModelError) as failed:
        read(web, url, size=size)
    assert failed.value.remedy
    return failed.value


def test_a_file_is_read_whole(site: Site, web: Web) -> None:
    assert read(web, f"{site.url}/file") == FILE


def test_a_file_is_read_from_an_offset_on(site: Site, web: Web) -> None:
    assert read(web, f"{site.url}/file", offset=1000) == FILE[1000:]
    assert site.requests == [("/file", "bytes=1000-")]


def test_a_cut_connection_is_resumed_where_it_was_cut(site: Site, web: Web) -> None:
    site.plans["/file"] = [Answer(cut_after=1_500_000), Answer(cut_after=200_000)]
    assert read(web, f"{site.url}/file") == FILE
    offsets = [asked for _, asked in site.requests]
    assert offsets[0] is None
    assert all(asked and asked != "bytes=0-" for asked in offsets[1:])


def test_a_cut_file_of_unknown_size_is_resumed_too(site: Site, web: Web) -> None:
    site.plans["/file"] = [Answer(cut_after=1_500_000)]
    assert read(web, f"{site.url}/file", size=None) == FILE


def test_a_server_that_ignores_ranges_is_read_again_from_its_beginning(
    site: Site, web: Web
) -> None:
    site.plans["/file"] = [Answer(cut_after=1_500_000), Answer(ranges=False)]
    assert read(web, f"{site.url}/file") == FILE


def test_a_server_that_resumes_elsewhere_is_refused(site: Site, web: Web) -> None:
    headers = {"Content-Range": "bytes 7-9/10"}
    site.plans["/file"] = [Answer(cut_after=1_500_000), Answer(headers=headers)]
    assert "bytes 7-9/10" in failure(web, f"{site.url}/file").message


def test_nothing_is_asked_for_when_everything_is_there(site: Site, web: Web) -> None:
    assert read(web, f"{site.url}/file", offset=len(FILE)) == b""
    assert site.requests == []


def test_a_file_of_unknown_size_that_is_there_already_ends_at_once(site: Site, web: Web) -> None:
    site.plans["/file"] = [Answer(status=416)]
    assert read(web, f"{site.url}/file", offset=len(FILE), size=None) == b""


@pytest.mark.parametrize("told", [len(FILE) - 1, len(FILE) + 1])
def test_a_length_other_than_the_listing_says_is_refused_at_once(
    site: Site, web: Web, told: int
) -> None:
    site.plans["/file"] = [Answer(headers={"Content-Length": str(told)}, cut_after=10)]
    error = failure(web, f"{site.url}/file")
    assert error.exit_code is ExitCode.MODEL_CORRUPT
    assert str(told) in error.message
    assert len(site.requests) == 1


def test_more_bytes_than_the_listing_says_are_refused(site: Site, web: Web) -> None:
    site.plans["/file"] = [Answer(headers={"Content-Length": ""})]
    assert failure(web, f"{site.url}/file", size=len(FILE) - 1).exit_code is ExitCode.MODEL_CORRUPT


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_busy_server_is_asked_again_with_growing_pauses(
    site: Site, web: Web, pauses: list[float], status: int
) -> None:
    site.plans["/file"] = [Answer(status=status)] * 3
    assert read(web, f"{site.url}/file") == FILE
    assert pauses == [0.5, 1.0, 2.0]


def test_retry_after_in_seconds_is_kept(site: Site, web: Web, pauses: list[float]) -> None:
    site.plans["/file"] = [Answer(status=429, headers={"Retry-After": "7"})]
    assert read(web, f"{site.url}/file") == FILE
    assert pauses == [7.0]


def test_retry_after_as_a_date_is_kept(site: Site, web: Web, pauses: list[float]) -> None:
    moment = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    site.plans["/file"] = [Answer(status=503, headers={"Retry-After": moment})]
    assert read(web, f"{site.url}/file") == FILE
    assert 25 < pauses[0] <= 30


def test_a_retry_after_in_the_past_is_no_pause(site: Site, web: Web, pauses: list[float]) -> None:
    site.plans["/file"] = [Answer(status=503, headers={"Retry-After": formatdate(0, usegmt=True)})]
    assert read(web, f"{site.url}/file") == FILE
    assert pauses == [0.0]


def test_a_server_that_wants_an_hour_is_not_waited_for(
    site: Site, web: Web, pauses: list[float]
) -> None:
    site.plans["/file"] = [Answer(status=503, headers={"Retry-After": "3600"})]
    error = failure(web, f"{site.url}/file")
    assert (error.exit_code, pauses) == (ExitCode.MODEL_UNAVAILABLE, [])
    assert "3600 s" in error.message


def test_a_server_that_stays_busy_is_given_up(site: Site, web: Web, pauses: list[float]) -> None:
    site.plans["/file"] = [Answer(status=503)] * 100
    error = failure(web, f"{site.url}/file")
    assert error.exit_code is ExitCode.MODEL_UNAVAILABLE
    assert (len(site.requests), len(pauses)) == (ATTEMPTS, ATTEMPTS - 1)


def test_a_server_that_gives_a_few_bytes_at_a_time_is_given_up(site: Site, web: Web) -> None:
    site.plans["/file"] = [Answer(cut_after=10)] * 100
    failure(web, f"{site.url}/file")
    assert len(site.requests) == ATTEMPTS


def test_a_server_that_trickles_is_given_up(site: Site) -> None:
    hours = iter(range(0, 3600 * 10_000, 3600))
    site.plans["/file"] = [Answer(cut_after=10)] * 100
    slow = Web(pause=lambda _: None, clock=lambda: float(next(hours)))
    assert "it sent 10 bytes in 3600 s" in failure(slow, f"{site.url}/file").message


def test_a_connection_that_brings_enough_may_take_its_time(site: Site) -> None:
    seconds = iter(range(0, 10 * 100_000, 10))
    slow = Web(pause=lambda _: None, clock=lambda: float(next(seconds)))
    assert read(slow, f"{site.url}/file") == FILE
    assert len(site.requests) == 1


def test_a_server_that_is_not_there_is_unavailable(web: Web, pauses: list[float]) -> None:
    with website() as gone:
        url = f"{gone.url}/file"
    assert failure(web, url).exit_code is ExitCode.MODEL_UNAVAILABLE
    assert len(pauses) == ATTEMPTS - 1


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (401, ExitCode.LOGIN_REFUSED),
        (403, ExitCode.LOGIN_REFUSED),
        (404, ExitCode.MODEL_UNAVAILABLE),
        (410, ExitCode.MODEL_UNAVAILABLE),
    ],
)
def test_a_refusal_is_final(site: Site, web: Web, status: int, code: ExitCode) -> None:
    site.plans["/file"] = [Answer(status=status)]
    error = failure(web, f"{site.url}/file")
    assert error.exit_code is code
    assert f"answers {status}" in error.message
    assert len(site.requests) == 1


def test_a_redirect_is_followed(site: Site, web: Web) -> None:
    site.plans["/old"] = [Answer(status=302, headers={"Location": "/file"})]
    assert read(web, f"{site.url}/old") == FILE


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://127.0.0.1/file"])
def test_a_redirect_to_another_scheme_is_refused(site: Site, web: Web, target: str) -> None:
    site.plans["/old"] = [Answer(status=302, headers={"Location": target})]
    assert target.split("://", maxsplit=1)[0] in failure(web, f"{site.url}/old").message


def test_a_circle_of_redirects_ends(site: Site, web: Web) -> None:
    site.plans["/old"] = [Answer(status=302, headers={"Location": "/old"})] * 100
    assert "redirects more than" in failure(web, f"{site.url}/old").message


@pytest.mark.parametrize("url", ["https://", "https://[::1/x", "https://host:port/x"])
def test_what_is_no_address_is_a_wrong_configuration(web: Web, url: str) -> None:
    assert failure(web, url).exit_code is ExitCode.INVALID_CONFIG


def test_a_proxy_of_the_environment_is_used(
    site: Site, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.files["http://models.example/file"] = FILE
    monkeypatch.setenv("HTTP_PROXY", site.url)
    assert read(web, "http://models.example/file") == FILE


def test_a_listing_has_an_end(site: Site, web: Web) -> None:
    site.files["/listing"] = bytes(65 << 20)
    with pytest.raises(ModelError, match="longer than"):
        web.document(f"{site.url}/listing")
