"""What an attempt is called in a table."""

from angarium.lab.censor.scenarios import Attempt
from angarium.lab.censor.series import _setup


def test_each_attempt_of_a_scenario_has_a_name_of_its_own() -> None:
    assert _setup(Attempt("ip", 60)) == "ip"
    assert _setup(Attempt("ip", 60, earlier=True)) == "ip, from before"
    assert _setup(Attempt("ip", 60, earlier=True, silence=65)) == "ip, open, silent for 65 s"
