"""What is reached is told once, in order, with what it took."""

from angarium.lab.censor.stages import Stages
from angarium.lab.core import Event


def test_each_stage_is_counted_from_the_one_before() -> None:
    now, carried = [10.0], {"Ann": [5, 7], "Bob": [0, 0]}
    stages = Stages(lambda person: (carried[person][0], carried[person][1]), lambda: now[0])
    stages.heard("Ann", Event(1, "ImapInboxIdle", {}))
    stages.begin("Ann", "Bob")
    assert not stages.notes

    def later(seconds: float, up: int, kind: str, **fields: object) -> None:
        now[0] += seconds
        carried["Ann"][0] += up
        stages.heard("Ann", Event(1, kind, fields))

    later(1, 100, "ConfigureProgress", progress=500)
    later(2, 100, "ConfigureProgress", progress=1000)
    later(1, 10, "Info", msg="whatever")
    later(1, 10, "ImapInboxIdle")
    later(9, 90, "ImapInboxIdle")
    later(1, 10, "SecurejoinJoinerProgress", progress=1000)
    assert stages.notes == {
        "Ann, account: seconds": 3,
        "Ann, account: octets up": 200,
        "Ann, account: octets down": 0,
        "Ann, online: seconds": 2,
        "Ann, online: octets up": 20,
        "Ann, online: octets down": 0,
        "Ann, verified: seconds": 10,
        "Ann, verified: octets up": 100,
        "Ann, verified: octets down": 0,
    }
