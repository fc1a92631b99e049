"""What the operator logs: one JSON object per line, or text, with the object that it is about.

Whoever works on an object says so once (:func:`about`), and every line that is logged meanwhile
carries it, whoever writes it.
"""

import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Final, Literal

Fields = Mapping[str, str]

_subject: ContextVar[dict[str, str] | None] = ContextVar("subject", default=None)
_trace: ContextVar[str | None] = ContextVar("trace", default=None)
_PARTS: Final = ("kind", "namespace", "name")
_encode: Final = json.JSONEncoder(ensure_ascii=False).encode
_CHILD: Final = "k8s_ref"
"""Attribute of records that are about one of the object's children."""


@contextmanager
def about(kind: str, namespace: str, name: str) -> Iterator[None]:
    """Until it ends, lines are about this object."""
    token = _subject.set({"kind": kind, "namespace": namespace, "name": name})
    try:
        yield
    finally:
        _subject.reset(token)


def identify(uid: str) -> None:
    """Add the uid of the object that lines are about."""
    subject = _subject.get()
    if subject is not None:
        subject["uid"] = uid


@contextmanager
def traced(trace_id: str) -> Iterator[None]:
    """Until it ends, lines belong to this trace."""
    token = _trace.set(trace_id)
    try:
        yield
    finally:
        _trace.reset(token)


def configure(log_format: Literal["json", "text"]) -> None:
    """Have everything that is logged written so; the handlers are there already."""
    formatter = JsonFormatter() if log_format == "json" else TextFormatter()
    for handler in logging.getLogger().handlers:
        handler.setFormatter(formatter)


class JsonFormatter(logging.Formatter):
    """A line of JSON: time, level, logger, message, and what it is about."""

    def format(self, record: logging.LogRecord) -> str:
        """Write a record."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        subject, child = _subjects(record)
        line |= {"object": subject} if subject else {}
        line |= {"child": child} if child else {}
        trace = _trace.get()
        line |= {"traceId": trace} if trace else {}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return _encode(line)


class TextFormatter(logging.Formatter):
    """A line for people."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(subject)s%(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """Write a record."""
        subject, _ = _subjects(record)
        known = f"[{subject['kind']} {subject['namespace']}/{subject['name']}] " if subject else ""
        record.subject = known
        return super().format(record)


def _subjects(record: logging.LogRecord) -> tuple[Fields | None, Fields | None]:
    """The object that the record is about, and the child of it, if it is about one."""
    subject = _subject.get()
    named: Fields | None = getattr(record, _CHILD, None)
    if subject is None:
        return named, None
    if named is None or all(named.get(part) == subject[part] for part in _PARTS):
        return subject, None
    return subject, named
