"""Requests that nobody would write: from the schema by Schemathesis, from noise by Hypothesis."""

import threading
from collections import Counter
from typing import Any, Final

import httpx2
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis.core.result import Ok
from schemathesis.generation import GenerationMode

from bench.load import SPEECH_PATH

EXAMPLES: Final = 40
"""Of each kind, before the next round begins."""
_LONGEST_BODY: Final = 2000
_SECONDS: Final = 30.0


class Fuzzer:
    """Sends bad input on a thread of its own until it is stopped, and counts the answers."""

    def __init__(self, url: str, number: int) -> None:
        self.statuses: Counter[int] = Counter()
        self.unanswered = 0
        self._url = url
        self._number = number
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="fuzz", daemon=True)

    def start(self) -> None:
        """Begin; the server must be up."""
        self._thread.start()

    def stop(self) -> None:
        """End after the request that is being answered."""
        self._stopping.set()
        self._thread.join(_SECONDS)

    def _run(self) -> None:
        schema = schemathesis.openapi.from_url(f"{self._url}/openapi.json")
        cases = st.one_of(
            *(
                operation.ok().as_strategy(generation_mode=mode)
                for operation in schema.get_all_operations()
                if isinstance(operation, Ok)
                for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
            )
        )
        while not self._stopping.is_set():
            self._number += 1
            self._round(cases)

    def _round(self, cases: st.SearchStrategy[Any]) -> None:
        # Failures are counted, not raised, so there is nothing to shrink and nothing to remember.
        kept = settings(
            max_examples=EXAMPLES,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )

        @seed(self._number)
        @kept
        @given(cases)
        def from_schema(case: Any) -> None:
            if not self._stopping.is_set():
                self._count(
                    lambda: int(case.call(base_url=self._url, timeout=_SECONDS).status_code)
                )

        @seed(self._number)
        @kept
        @given(st.binary(max_size=_LONGEST_BODY), st.sampled_from(("application/json", "text/x")))
        def from_noise(body: bytes, kind: str) -> None:
            if not self._stopping.is_set():
                self._count(lambda: self._post(body, kind))

        from_schema()
        from_noise()

    def _post(self, body: bytes, kind: str) -> int:
        answer = httpx2.post(
            self._url + SPEECH_PATH,
            content=body,
            headers={"Content-Type": kind},
            timeout=_SECONDS,
        )
        return answer.status_code

    def _count(self, ask: Any) -> None:
        try:
            self.statuses[ask()] += 1
        except (requests.RequestException, httpx2.HTTPError):
            # The server is ending, and this is how a client sees it.
            self.unanswered += 1
