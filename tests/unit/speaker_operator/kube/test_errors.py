"""Answers of the API server become typed errors."""

import pytest

from speaker_operator.kube import errors


@pytest.mark.parametrize(
    ("status", "kind", "transient"),
    [
        (400, errors.InvalidError, False),
        (401, errors.UnauthorizedError, True),
        (403, errors.ForbiddenError, False),
        (404, errors.NotFoundError, False),
        (409, errors.ConflictError, True),
        (410, errors.NotFoundError, False),
        (422, errors.InvalidError, False),
        (429, errors.ThrottledError, True),
        (500, errors.UnavailableError, True),
        (503, errors.UnavailableError, True),
        (418, errors.KubeError, False),
    ],
)
def test_every_status_has_its_type(
    status: int, kind: type[errors.KubeError], transient: bool
) -> None:
    error = errors.from_response(status, {"message": "the API server's words"})
    assert type(error) is kind
    assert str(error) == "the API server's words"
    assert error.transient is transient


def test_a_namespace_that_ends_is_told_from_other_refusals() -> None:
    causes = [{"reason": "NamespaceTerminating", "field": "metadata.namespace"}]
    status = {"message": "is being terminated", "details": {"causes": causes}}
    assert type(errors.from_response(403, status)) is errors.NamespaceEndingError
    assert type(errors.from_response(403, {"details": None})) is errors.ForbiddenError


def test_a_full_quota_is_told_from_other_refusals() -> None:
    words = 'configmaps "hello" is forbidden: exceeded quota: small, requested: count/configmaps=1'
    assert type(errors.from_response(403, {"message": words})) is errors.QuotaExceededError


def test_an_answer_that_is_no_status_object_is_kept_as_words() -> None:
    assert str(errors.from_response(502, "Bad Gateway")) == "Bad Gateway"
    assert str(errors.from_response(502, "")) == "HTTP status 502"
