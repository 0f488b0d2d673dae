"""Asking the kernel for descriptors, and saying for how many connections they suffice."""

import resource

import pytest

from angarium.reach.descriptors import RESERVE, raise_limit


class Kernel:
    """A process whose limit may be raised up to `hard`, or not at all."""

    def __init__(self, soft: int, hard: int, *, refuses: bool = False) -> None:
        self.limits = soft, hard
        self.refuses = refuses

    def getrlimit(self, which: int) -> tuple[int, int]:
        assert which == resource.RLIMIT_NOFILE
        return self.limits

    def setrlimit(self, which: int, limits: tuple[int, int]) -> None:
        if self.refuses:
            raise ValueError("not allowed to raise maximum limit")
        self.limits = limits


@pytest.mark.parametrize(
    ("soft", "hard", "room", "now"),
    [
        (1024, 1_048_576, 20_000, 20_000 + RESERVE),
        (1024, 4096, 4096 - RESERVE, 4096),
        (1024, resource.RLIM_INFINITY, 20_000, 20_000 + RESERVE),
        (65_536, 65_536, 20_000, 65_536),
        (resource.RLIM_INFINITY, resource.RLIM_INFINITY, 20_000, resource.RLIM_INFINITY),
        (64, 64, 1, 64),
    ],
)
def test_the_limit_is_raised_as_far_as_needed_and_allowed(
    soft: int, hard: int, room: int, now: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    kernel = Kernel(soft, hard)
    monkeypatch.setattr(resource, "getrlimit", kernel.getrlimit)
    monkeypatch.setattr(resource, "setrlimit", kernel.setrlimit)
    assert raise_limit(20_000) == room
    assert kernel.limits == (now, hard)


def test_a_kernel_that_refuses_is_taken_at_its_word(monkeypatch: pytest.MonkeyPatch) -> None:
    kernel = Kernel(1024, 4096, refuses=True)
    monkeypatch.setattr(resource, "getrlimit", kernel.getrlimit)
    monkeypatch.setattr(resource, "setrlimit", kernel.setrlimit)
    assert raise_limit(20_000) == 1024 - RESERVE
