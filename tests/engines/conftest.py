"""Engines whose images are too large for every run of the tests: ``make e2e-ENGINE``."""

from tests.e2e.conftest import deployed, kubectl, site

__all__ = ["deployed", "kubectl", "site"]
