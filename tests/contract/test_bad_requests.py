"""What the API refuses: always the same envelope, with what to do instead."""

# ruff: noqa: E501  the table reads best with one request a line

import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx2
import pytest

from speaker_runtime.errors import CATALOGUE, ErrorCode
from tests.support.runtime import RuntimeProcess

GOOD: Mapping[str, object] = {"model": "tts-1", "input": "Hello.", "voice": "ana"}
SOCKET_TIMEOUT = 10.0
JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class Bad:
    """A request, and how it is to be refused."""

    name: str
    code: ErrorCode
    param: str | None = None
    change: Mapping[str, object] = field(default_factory=dict)
    without: str | None = None
    content: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=lambda: JSON)
    says: str = ""

    def send(self, http: httpx2.Client) -> httpx2.Response:
        """Ask for it."""
        if self.content is not None:
            return http.post("/v1/audio/speech", content=self.content, headers=dict(self.headers))
        body = {**GOOD, **self.change}
        if self.without:
            del body[self.without]
        return http.post("/v1/audio/speech", json=body)


MISSING = ErrorCode.MISSING_PARAMETER
TYPE = ErrorCode.INVALID_TYPE
VALUE = ErrorCode.INVALID_VALUE
UNREADABLE = ErrorCode.TEXT_NOT_SPEAKABLE
NOT_JSON = ErrorCode.INVALID_JSON
MEDIA = ErrorCode.UNSUPPORTED_MEDIA_TYPE
VOICE = ErrorCode.VOICE_NOT_FOUND

BAD = (
    Bad("no model", MISSING, "model", without="model"),
    Bad("no input", MISSING, "input", without="input"),
    Bad("no voice", MISSING, "voice", without="voice"),
    Bad("a field that is not known", ErrorCode.UNKNOWN_PARAMETER, "vioce", {"vioce": "ana"}, says="voice"),
    Bad("a field of another API", ErrorCode.UNKNOWN_PARAMETER, "lang_code", {"lang_code": "en"}),
    Bad("input is a number", TYPE, "input", {"input": 5}),
    Bad("input is null", TYPE, "input", {"input": None}),
    Bad("input is a list", TYPE, "input", {"input": ["Hello."]}),
    Bad("model is a number", TYPE, "model", {"model": 1}),
    Bad("voice is a number", TYPE, "voice", {"voice": 7}),
    Bad("voice is an object without id", TYPE, "voice", {"voice": {"name": "ana"}}),
    Bad("voice is an object with more", TYPE, "voice", {"voice": {"id": "ana", "x": 1}}),
    Bad("speed is a word", TYPE, "speed", {"speed": "fast"}),
    Bad("speed is too slow", VALUE, "speed", {"speed": 0.1}, says="0.25"),
    Bad("speed is too fast", VALUE, "speed", {"speed": 4.5}, says="4"),
    Bad("an unknown format", VALUE, "response_format", {"response_format": "midi"}, says="opus"),
    Bad("an unknown stream format", VALUE, "stream_format", {"stream_format": "ws"}, says="sse"),
    Bad("instructions are an object", TYPE, "instructions", {"instructions": {}}),
    Bad("a seed that is a word", TYPE, "seed", {"seed": "7"}),
    Bad("a seed that is true", TYPE, "seed", {"seed": True}),
    Bad("a negative seed", VALUE, "seed", {"seed": -1}, says="0"),
    Bad("a seed over 32 bits", VALUE, "seed", {"seed": 2**32}, says="4294967295"),
    Bad("sampling is a number", TYPE, "sampling", {"sampling": 1}),
    Bad("a temperature of 0", VALUE, "sampling.temperature", {"sampling": {"temperature": 0}}, says="0.05"),
    Bad("a temperature that is true", TYPE, "sampling.temperature", {"sampling": {"temperature": True}}),
    Bad("half a top_k", TYPE, "sampling.top_k", {"sampling": {"top_k": 0.5}}),
    Bad("a top_k over all tokens", VALUE, "sampling.top_k", {"sampling": {"top_k": 1001}}, says="1000"),
    Bad("a top_p over 1", VALUE, "sampling.top_p", {"sampling": {"top_p": 1.1}}, says="1"),
    Bad("a reward for repetitions", VALUE, "sampling.repetition_penalty", {"sampling": {"repetition_penalty": 0.5}}, says="1"),
    Bad("a misspelt parameter of chance", ErrorCode.UNKNOWN_PARAMETER, "sampling.topk", {"sampling": {"topk": 5}}, says="'sampling.top_k'"),
    Bad("a parameter of chance beside sampling", ErrorCode.UNKNOWN_PARAMETER, "temperature", {"temperature": 1}, says="'sampling.temperature'"),
    Bad("an unknown stream option", ErrorCode.UNKNOWN_PARAMETER, "stream_options.words", {"stream_options": {"words": True}}),
    Bad("normalize is a word", TYPE, "normalize", {"normalize": "yes"}),
    Bad("ssml is true", VALUE, "ssml", {"ssml": True}, says="strict"),
    Bad("an unknown way to read ssml", VALUE, "ssml", {"ssml": "loose"}, says="lenient"),
    Bad("ssml that is no XML", ErrorCode.INVALID_SSML, "input", {"ssml": "strict"}, says="no XML"),
    Bad("ssml with a DTD", ErrorCode.INVALID_SSML, "input", {"ssml": "lenient", "input": "<!DOCTYPE speak><speak>a</speak>"}, says="DTD"),
    Bad("language is a number", TYPE, "language", {"language": 1}),
    Bad("language is no tag", VALUE, "language", {"language": "English, please"}, says="en-GB"),
    Bad("a language nobody speaks here", ErrorCode.LANGUAGE_NOT_SUPPORTED, "language", {"language": "de"}, says="en-US"),
    Bad("an unknown model", ErrorCode.MODEL_NOT_FOUND, "model", {"model": "tts-l"}, says="tts-1"),
    Bad("an unknown voice", VOICE, "voice", {"voice": "an"}, says="Did you mean 'ana'"),
    Bad("an unknown voice by id", VOICE, "voice", {"voice": {"id": "zzz"}}, says="heart"),
    Bad("an empty voice", VOICE, "voice", {"voice": ""}),
    Bad("a voice that failed", ErrorCode.VOICE_UNAVAILABLE, "voice", {"voice": "ghost"}, says="heart"),
    Bad("empty text", ErrorCode.EMPTY_INPUT, "input", {"input": ""}),
    Bad("white space", ErrorCode.EMPTY_INPUT, "input", {"input": " \n\t\u3000 "}),
    Bad("an emoji", UNREADABLE, "input", {"input": "😀👍🏽"}),
    Bad("punctuation", UNREADABLE, "input", {"input": "... !? —"}),
    Bad("an invisible character", UNREADABLE, "input", {"input": "\u200b"}),
    Bad("Japanese", UNREADABLE, "input", {"input": "こんにちは。"}, says="こんにちは"),
    Bad("Arabic", UNREADABLE, "input", {"input": "مرحبا"}),
    Bad("Cyrillic", UNREADABLE, "input", {"input": "Привет"}),
    Bad("one sentence of Japanese", UNREADABLE, "input", {"input": "Hello. 日本語です。"}, says="日本語です"),
    Bad("text over the limit", ErrorCode.INPUT_TOO_LONG, "input", {"input": "a" * 4097}, says="4096"),
    Bad("a body over the limit", ErrorCode.BODY_TOO_LARGE, None, {"input": "a" * 200_000}),
    Bad("no JSON", NOT_JSON, content=b"{"),
    Bad("JSON cut short", NOT_JSON, content=b'{"model": "tts-1", "input": "Hel'),
    Bad("an empty body", NOT_JSON, content=b""),
    Bad("a JSON list", NOT_JSON, content=b"[]"),
    Bad("a JSON string", NOT_JSON, content=b'"Hello."'),
    Bad("JSON null", NOT_JSON, content=b"null"),
    Bad("JSON nested without end", NOT_JSON, content=b"[" * 50_000),
    Bad("text that is not UTF-8", NOT_JSON, content=b'{"input": "\xff\xfe"}'),
    Bad("half a surrogate pair", TYPE, "input", content=b'{"model": "tts-1", "voice": "ana", "input": "\\ud800"}'),
    Bad("speed that is no number", VALUE, "speed", content=b'{"model": "tts-1", "voice": "ana", "input": "a", "speed": NaN}'),
    Bad("plain text", MEDIA, content=b"Hello.", headers={"Content-Type": "text/plain"}),
    Bad("a form", MEDIA, content=b"a=b", headers={"Content-Type": "application/x-www-form-urlencoded"}),
    Bad("no content type", MEDIA, content=b"{}", headers={}),
)  # fmt: skip


def refusal(response: httpx2.Response) -> dict[str, Any]:
    """The error, once its envelope has been found to be complete."""
    assert response.headers["content-type"] == "application/json"
    assert response.headers["x-request-id"]
    body = response.json()
    assert body.keys() == {"error"}
    error: dict[str, Any] = body["error"]
    assert error.keys() == {"message", "type", "param", "code", "suggestion", "docs"}
    assert response.status_code == CATALOGUE[ErrorCode(error["code"])].status
    assert error["type"] == CATALOGUE[ErrorCode(error["code"])].type
    assert error["message"]
    assert error["suggestion"]
    return error


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.name)
def test_is_refused(http: httpx2.Client, bad: Bad) -> None:
    response = bad.send(http)
    error = refusal(response)
    assert (error["code"], error["param"]) == (bad.code, bad.param), error
    assert 400 <= response.status_code < 500
    assert bad.says in f"{error['message']} {error['suggestion']}", error


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("GET", "/v1/nothing", ErrorCode.PATH_NOT_FOUND),
        ("POST", "/v1/audio/transcriptions", ErrorCode.PATH_NOT_FOUND),
        ("GET", "/v1/audio/speech", ErrorCode.METHOD_NOT_ALLOWED),
        ("DELETE", "/v1/models", ErrorCode.METHOD_NOT_ALLOWED),
        ("GET", "/v1/models/none", ErrorCode.MODEL_NOT_FOUND),
    ],
)
def test_other_paths_are_refused(
    http: httpx2.Client, method: str, path: str, code: ErrorCode
) -> None:
    response = http.request(method, path)
    assert refusal(response)["code"] == code
    assert ("allow" in response.headers) == (code is ErrorCode.METHOD_NOT_ALLOWED)


def test_every_error_is_explained_where_it_points(http: httpx2.Client) -> None:
    for code in ErrorCode:
        response = http.get("/docs/errors")
        assert f'id="{code}"' in response.text


def test_a_body_that_is_announced_too_long_is_not_read(runtime: RuntimeProcess) -> None:
    with socket.create_connection((runtime.host, runtime.port), timeout=SOCKET_TIMEOUT) as client:
        client.sendall(
            b"POST /v1/audio/speech HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Content-Length: 999999999\r\n\r\n"
        )
        assert client.recv(65536).startswith(b"HTTP/1.1 413 ")
