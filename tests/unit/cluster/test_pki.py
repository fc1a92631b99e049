"""What is asked of openssl for users, groups and servers."""

import pytest

from cluster.errors import ClusterError
from cluster.pki import alternative_name, request_config


def test_a_user_is_the_common_name_and_groups_are_organizations() -> None:
    lines = request_config("jane", ["dev", "ops"], []).splitlines()
    assert lines[lines.index("[subject]") + 1 : lines.index("[extensions]")] == [
        "0.O = dev",
        "1.O = ops",
        "CN = jane",
    ]


def test_a_service_account_may_be_a_user() -> None:
    assert "CN = system:serviceaccount:a:b" in request_config("system:serviceaccount:a:b", [], [])


def test_what_openssl_would_interpret_is_escaped() -> None:
    assert r"CN = a\$b\#c" in request_config("a$b#c", [], [])


@pytest.mark.parametrize("user", ["", "a\nb", " a"])
def test_a_name_that_a_certificate_can_not_carry_is_refused(user: str) -> None:
    with pytest.raises(ClusterError, match="can't be a user or group"):
        request_config(user, [], [])


@pytest.mark.parametrize(
    ("host", "name"),
    [("127.0.0.1", "IP:127.0.0.1"), ("kubernetes.default", "DNS:kubernetes.default")],
)
def test_a_host_is_an_address_or_a_name(host: str, name: str) -> None:
    assert alternative_name(host) == name
