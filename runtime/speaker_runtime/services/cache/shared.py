"""A store on Redis or Valkey that several processes share; without it they go on, at full speed.

Redis' own rules bound it (``maxmemory``, ``maxmemory-policy allkeys-lru``); besides, an entry that
nobody asks for in a week expires.
"""

import logging
import time
from collections.abc import Callable, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Lock
from typing import Final, TypeVar

from redis import ConnectionError as RedisConnectionError
from redis import Redis, RedisError
from redis import TimeoutError as RedisTimeoutError
from redis.backoff import NoBackoff
from redis.retry import Retry

from speaker_runtime.services.cache.metrics import CacheMetrics
from speaker_runtime.services.cache.store import LARGEST_ENTRY, Size

logger = logging.getLogger(__name__)

T = TypeVar("T")

ANSWER_SECONDS: Final = 0.25
"""Longest that a request waits for the server."""
PAUSE_SECONDS: Final = 5.0
"""After a failure nobody asks the server for so long."""
EXPIRE_SECONDS: Final = 7 * 24 * 3600
_PREFIX: Final = "speaker-tts:"
_CONNECTIONS: Final = 8
_STORE: Final = "shared"
_UNREACHABLE: Final = (RedisConnectionError, RedisTimeoutError, TimeoutError, OSError)


class InvalidAddressError(ValueError):
    """The address of the shared cache cannot be used; its text never holds the password."""


class SharedStore:
    """Entries on a Redis server, behind a circuit breaker.

    The breaker is open at the beginning and after every failure to reach the server: nothing is
    asked, everything is a miss. While it is open the server is tried in the background, so that no
    request waits for one that is gone.

    Args:
        url: ``redis://``, ``rediss://`` or ``unix://``, with the password if there is one.
        metrics: What to count in.
        answer_seconds: Longest that a caller waits, for names and connections too.
        clock: Seconds, never going back.

    Raises:
        InvalidAddressError: The address is none of a Redis server.
    """

    def __init__(
        self,
        url: str,
        metrics: CacheMetrics,
        *,
        answer_seconds: float = ANSWER_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = _connect(url, answer_seconds)
        self._answer_seconds = answer_seconds
        self._metrics = metrics
        self._clock = clock
        # Each call has a thread of its own, because only so can a look-up of a name be bounded.
        self._pool = ThreadPoolExecutor(_CONNECTIONS, thread_name_prefix="shared-cache")
        self._guard = Lock()
        self._is_open = True
        self._is_trying = False
        self._open_until = clock()
        self._is_lost = False
        self._is_refusing = False
        self._try_in_background()

    def get(self, key: str) -> bytes | None:
        """The value; None where it is not known, or the server does not answer."""
        return self._ask(partial(self._read, key))

    def known(self, keys: Sequence[str]) -> Set[str]:
        """Which of the keys the server holds; none if it does not answer."""
        return self._ask(partial(self._touch, keys)) or frozenset()

    def put(self, key: str, value: bytes) -> None:
        """Keep a value, if the server answers."""
        if len(value) <= LARGEST_ENTRY:
            self._ask(partial(self._client.set, _PREFIX + key, value, ex=EXPIRE_SECONDS))

    def remove(self, key: str) -> None:
        """Forget a value, if the server answers."""
        self._ask(partial(self._client.delete, _PREFIX + key))

    def size(self) -> Size:
        """Nothing is held on this machine."""
        return Size(0, 0)

    def close(self) -> None:
        """End the threads and connections."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._client.close()

    @property
    def answers(self) -> bool:
        """Whether the server was reached when it was last tried."""
        return not self._is_open

    def _read(self, key: str) -> bytes | None:
        value = self._client.getex(_PREFIX + key, ex=EXPIRE_SECONDS)
        return value if isinstance(value, bytes) else None

    def _touch(self, keys: Sequence[str]) -> Set[str]:
        pipeline = self._client.pipeline(transaction=False)
        for key in keys:
            pipeline.expire(_PREFIX + key, EXPIRE_SECONDS)
        return {key for key, is_there in zip(keys, pipeline.execute(), strict=True) if is_there}

    def _ask(self, question: Callable[[], T]) -> T | None:
        if self._is_open:
            self._try_in_background()
            return None
        try:
            return self._pool.submit(question).result(self._answer_seconds)
        except _UNREACHABLE as error:
            self._lost(error)
        except RedisError as error:
            self._refused(error)
        return None

    def _lost(self, error: Exception) -> None:
        """Open the breaker; of several failures in a row, only the first is worth a line."""
        self._metrics.failed(_STORE)
        with self._guard:
            self._is_open = True
            self._open_until = self._clock() + PAUSE_SECONDS
            is_news, self._is_lost = not self._is_lost, True
        if is_news:
            reason = str(error) or f"no answer within {self._answer_seconds} s"
            logger.warning("the shared cache is out of reach, speech goes on without: %s", reason)

    def _refused(self, error: RedisError) -> None:
        """The server answers, but will not do this: its memory is full, or it is read-only."""
        self._metrics.failed(_STORE)
        with self._guard:
            is_news, self._is_refusing = not self._is_refusing, True
        if is_news:
            logger.warning("the shared cache refuses, speech goes on without: %s", error)

    def _try_in_background(self) -> None:
        with self._guard:
            if self._is_trying or self._clock() < self._open_until:
                return
            self._is_trying = True
        self._pool.submit(self._try)

    def _try(self) -> None:
        try:
            self._client.ping()
        except (*_UNREACHABLE, RedisError) as error:
            self._lost(error)
        else:
            self._found()
        finally:
            with self._guard:
                self._is_trying = False

    def _found(self) -> None:
        with self._guard:
            was_lost = self._is_lost
            self._is_open = self._is_lost = self._is_refusing = False
        if was_lost:
            logger.info("the shared cache answers again")


def check_address(url: str) -> None:
    """Raise unless ``url`` may be the address of a server; nothing is connected.

    Raises:
        InvalidAddressError: It is not.
    """
    _connect(url, ANSWER_SECONDS).close()


def _connect(url: str, seconds: float) -> Redis:
    try:
        return Redis.from_url(
            url,
            socket_connect_timeout=seconds,
            socket_timeout=seconds,
            retry=Retry(NoBackoff(), 0),
            max_connections=_CONNECTIONS,
        )
    except ValueError:  # whose text may hold a part of the password
        raise InvalidAddressError(
            "it is no address of a Redis or Valkey server, which begins with redis://, rediss:// "
            "or unix://"
        ) from None
