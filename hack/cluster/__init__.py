"""A disposable, real Kubernetes for tests: kind where Docker runs, else built from Go modules.

Run it with ``PYTHONPATH=hack python3 -m cluster --help``. It uses the standard library only, so
that it works before any virtual environment exists. ``config.toml`` holds every version, address,
size and time-out.
"""
