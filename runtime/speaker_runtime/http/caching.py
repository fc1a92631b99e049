"""What a request's ``Cache-Control`` asks of the cache."""

from typing import Annotated, Final

from fastapi import Header

from speaker_runtime.services.planning import CacheUse

CACHE_HEADER: Final = "X-Cache"

CacheControl = Annotated[
    str | None,
    Header(
        description="`no-store` speaks the text anew and keeps nothing of it; `no-cache` speaks it "
        "anew and keeps it. Other directives have no effect.",
        max_length=1024,
    ),
]


def cache_use(cache_control: str | None) -> CacheUse:
    """What an order has to do with what was spoken before (RFC 9111, section 5.2.1)."""
    directives = {each.strip().lower() for each in (cache_control or "").split(",")}
    if "no-store" in directives:
        return CacheUse.NOTHING
    return CacheUse.KEEP if "no-cache" in directives else CacheUse.FULL
