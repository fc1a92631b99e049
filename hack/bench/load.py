"""A lean load generator: many requests at a time over plain sockets, on one thread.

It shares the machine with the server that it measures, so it does as little as it can: uvloop
moves the bytes, httptools finds the body in them, and nothing is decoded while the clock runs.
"""

import asyncio
import json
import time
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar, cast

import httptools
import uvloop

T = TypeVar("T")

SPEECH_PATH: Final = "/v1/audio/speech"
ANSWER_SECONDS: Final = 600.0
"""Longest wait for one answer; a server that needs more has failed."""


@dataclass(frozen=True, eq=False)
class Order:
    """One HTTP request.

    Attributes:
        path: Where it goes.
        body: JSON of a POST; None for a GET.
        headers: Beside the usual ones.
        leave_after: Bytes of the body after which the client goes away; None to stay.
    """

    path: str
    body: Mapping[str, object] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    leave_after: int | None = None

    def encoded(self) -> bytes:
        """The request as it goes over the wire."""
        content = b"" if self.body is None else json.dumps(self.body).encode()
        fields = {
            "Host": "127.0.0.1",
            "Content-Type": "application/json",
            "Content-Length": str(len(content)),
            **self.headers,
        }
        method = "GET" if self.body is None else "POST"
        lines = [f"{method} {self.path} HTTP/1.1", *(f"{k}: {v}" for k, v in fields.items())]
        return "\r\n".join((*lines, "", "")).encode() + content


@dataclass
class Answer:
    """What came back. Times are ``time.perf_counter()`` seconds.

    Attributes:
        order: What was asked.
        sent: When the request was handed to the kernel.
        first: When the body's first byte came; 0 if none did.
        ended: When the last byte came, or the connection broke.
        complete: Whether the body ended as HTTP says it must.
        left: Whether the client went away on purpose.
    """

    order: Order
    sent: float
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytearray = field(default_factory=bytearray)
    first: float = 0.0
    ended: float = 0.0
    complete: bool = False
    left: bool = False

    @property
    def is_ok(self) -> bool:
        """Whether this is a whole, good answer."""
        return self.status == 200 and self.complete  # noqa: PLR2004  HTTP's OK

    @property
    def first_seconds(self) -> float:
        """From the request to the body's first byte."""
        return self.first - self.sent

    @property
    def seconds(self) -> float:
        """From the request to its end."""
        return self.ended - self.sent


class Connection(asyncio.Protocol):
    """One connection, kept between requests; :meth:`ask` is called by one task at a time."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._answer: Answer | None = None
        self._done: asyncio.Future[Answer] | None = None

    @property
    def is_open(self) -> bool:
        """Whether another request can be sent."""
        return self._transport is not None and not self._transport.is_closing()

    async def ask(self, order: Order) -> Answer:
        """Send one request and wait for its end, whatever that is.

        Raises:
            TimeoutError: There is none within :data:`ANSWER_SECONDS`.
        """
        if self._transport is None:
            raise ConnectionError("the connection is closed")
        self._parser = httptools.HttpResponseParser(self)
        self._done = asyncio.get_running_loop().create_future()
        content = order.encoded()
        self._answer = Answer(order, sent=time.perf_counter())
        self._transport.write(content)
        if order.leave_after == 0:
            self._leave()
        async with asyncio.timeout(ANSWER_SECONDS):
            return await self._done

    def close(self) -> None:
        """Close it; nothing is awaited any more."""
        if self._transport is not None:
            self._transport.abort()
            self._transport = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the event loop."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Called by the event loop."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self.close()
            self._end()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  asyncio's signature
        """Called by the event loop: an answer that is not complete by now never will be."""
        self._transport = None
        self._end()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Called by the parser."""
        if self._answer is not None:
            self._answer.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        """Called by the parser."""
        if self._answer is not None:
            self._answer.status = self._parser.get_status_code()

    def on_body(self, body: bytes) -> None:
        """Called by the parser."""
        answer = self._answer
        if answer is None:
            return
        answer.first = answer.first or time.perf_counter()
        answer.body += body
        leave = answer.order.leave_after
        if leave is not None and len(answer.body) >= leave:
            self._leave()

    def on_message_complete(self) -> None:
        """Called by the parser."""
        if self._answer is not None:
            self._answer.complete = True
            self._end()

    def _leave(self) -> None:
        if self._answer is not None:
            self._answer.left = True
            self._end()
        self.close()

    def _end(self) -> None:
        if self._answer is None or self._done is None:
            return
        answer, self._answer = self._answer, None
        answer.ended = time.perf_counter()
        if not self._done.done():
            self._done.set_result(answer)


class Client:
    """One user: asks one thing after the other, on one connection while that lasts."""

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port
        self._connection = Connection()

    async def ask(self, order: Order) -> Answer:
        """Ask once.

        Raises:
            OSError: Nobody listens.
            TimeoutError: There is no answer.
        """
        if not self._connection.is_open:
            loop = asyncio.get_running_loop()
            _, self._connection = await loop.create_connection(Connection, self._host, self._port)
        return await self._connection.ask(order)

    def close(self) -> None:
        """Hang up."""
        self._connection.close()


async def ask_all(host: str, port: int, orders: Sequence[Order], clients: int) -> list[Answer]:
    """Send ``orders`` with so many clients, each asking again as soon as it is answered."""
    pending = list(reversed(orders))
    answers: list[Answer] = []

    async def work() -> None:
        client = Client(host, port)
        try:
            while pending:
                answers.append(await client.ask(pending.pop()))
        finally:
            client.close()

    async with asyncio.TaskGroup() as group:
        for _ in range(clients):
            group.create_task(work())
    return answers


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end on uvloop."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main)
