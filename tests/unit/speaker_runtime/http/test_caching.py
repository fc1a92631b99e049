"""What requests say of the cache."""

import pytest

from speaker_runtime.http.caching import cache_use
from speaker_runtime.services.planning import CacheUse


@pytest.mark.parametrize(
    ("header", "use"),
    [
        (None, CacheUse.FULL),
        ("", CacheUse.FULL),
        ("max-age=60, only-if-cached", CacheUse.FULL),
        ("no-cache", CacheUse.KEEP),
        ("No-Cache, max-age=0", CacheUse.KEEP),
        ("no-store", CacheUse.NOTHING),
        ("no-cache,no-store", CacheUse.NOTHING),
    ],
)
def test_two_directives_count(header: str | None, use: CacheUse) -> None:
    assert cache_use(header) is use
