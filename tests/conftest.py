"""What all tests share.

Hypothesis without deadlines, since the machine under the tests may be busy with others. And no test is passed over in
silence where everything is meant to run: with CI set, a missing program is an error and not a skip.
"""

import os
import shutil
import signal

import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = ["tests.dns_server", "tests.pebble", "tests.programs"]

settings.register_profile("angarium", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("angarium")

PROGRAMS = ("chromium", "dovecot", "minisign", "opendkim", "pebble", "pebble-challtestsrv", "postfix", "strace")
PATH = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin"
"""Mail servers are where only root looks."""


def pytest_configure(config: pytest.Config) -> None:
    """A shell that starts us in the background has SIGINT ignored, and every program that a test starts inherits it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_sessionstart(session: pytest.Session) -> None:
    """Look for what tests/needs.sh installs."""
    missing = [program for program in PROGRAMS if shutil.which(program, path=PATH) is None]
    if os.environ.get("CI") and missing:
        raise pytest.UsageError(f"missing: {', '.join(missing)}; run tests/needs.sh as root")
