"""When a relay passes the prober: by which figures, near and far, and when it was no measurement."""

import msgspec
import pytest

from angarium.lab.censor.classifier import Accuracy
from angarium.lab.censor.hearing import Afar, Heard, Kinds
from angarium.lab.censor.link import FAR, JUDGED
from angarium.lab.censor.probes import PROBES
from angarium.lab.censor.sighting import Sighting
from angarium.lab.censor.suspicion import _by_kind, _verdict
from angarium.lab.censor.twenty import rounds

LINE = "40 ± 0.5 ms"
COIN, TOLD = Accuracy(1_000, 2_000), Accuracy(1_200, 2_000)
NEAR = {
    "told from the twenty": COIN,
    "told from its twin": COIN,
    "nginx told from the twenty": COIN,
    "two twins": COIN,
    "an echo told from the twenty": Accuracy(400, 440),
}
DISTANT = {f"{name}, {LINE}": accuracy for name, accuracy in list(NEAR.items())[:4]}


def side(kind: str = "page") -> list[Sighting]:
    return [Sighting(probe.name, kind, took={"connect": 0.001 * n}) for n, probe in enumerate(PROBES)]


def heard(*, far: bool = False) -> Heard:
    asked = rounds(len(PROBES), 1)
    three = [side(), side(), side()]
    afar = [Afar(line, three, three if line == JUDGED else None, asked) for line in FAR] if far else []
    return Heard([side(), side()], side("echo"), three, asked, [side(), side(), side()], side("echo"), afar)


def test_who_is_told_by_nothing_passes() -> None:
    run = _verdict(heard(), NEAR)
    assert (run.ok, run.valid, run.why) == (True, True, "")
    assert run.notes["told from the twenty, %"] == 50
    assert run.notes["told from its twin from, %"] < 50 < run.notes["told from its twin to, %"]
    assert run.notes["octets of mail protocols"] == 0
    assert msgspec.json.encode(run)


@pytest.mark.parametrize("name", ["told from the twenty", "told from its twin"])
def test_who_is_told_by_a_classifier_does_not(name: str) -> None:
    run = _verdict(heard(), NEAR | {name: TOLD})
    assert (run.ok, run.valid) == (False, True)
    assert run.why == f"{name}: a classifier is right about 60.0 % of single answers"


@pytest.mark.parametrize("name", ["told from the twenty", "told from its twin"])
def test_from_afar_that_line_judges_and_what_is_seen_from_nearby_is_told(name: str) -> None:
    figures = NEAR | DISTANT | {name: TOLD}
    run = _verdict(heard(far=True), figures)
    assert (run.ok, run.valid) == (True, True)
    assert run.notes[f"{name}, %"] == 60
    assert run.notes[f"connecting varies by, {LINE}, ms"] > 0
    worse = _verdict(heard(far=True), NEAR | DISTANT | {f"{name}, {LINE}": TOLD})
    assert not worse.ok
    assert worse.why.startswith(f"{name}, {LINE}: ")


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("nginx told from the twenty", TOLD),
        ("nginx told from the twenty", Accuracy(800, 2_000)),
        ("two twins", TOLD),
        ("an echo told from the twenty", COIN),
    ],
)
def test_where_a_control_does_not_hold_it_is_no_measurement(name: str, found: Accuracy) -> None:
    assert not _verdict(heard(), NEAR | {name: found}).valid


def test_any_relay_that_answers_otherwise_or_speaks_mail_is_told() -> None:
    everything = heard()
    everything.twenty[0][3].kind, everything.twins[0][4].kind, everything.twins[0][5].mail = "mail", "mail", 17
    run = _verdict(everything, NEAR)
    names = sorted((PROBES[3].name, PROBES[4].name))
    assert run.why == f"told by {', '.join(names)}; 17 octets of mail protocols said to a stranger"
    assert run.notes["kinds answered unlike any site"] == 2


@pytest.mark.parametrize(
    ("kind", "mail", "why"),
    [("page", 0, ""), ("mail", 9, f"told by {PROBES[2].name}; 9 octets of mail protocols said to a stranger")],
)
def test_of_a_relay_that_shows_no_site_of_the_labs_kinds_decide(kind: str, mail: int, why: str) -> None:
    relay = side()
    relay[2].kind, relay[2].mail = kind, mail
    run = _by_kind(Kinds([side(), side()], side("echo"), relay))
    assert (run.ok, run.valid, run.why) == (not why, True, why)
    assert not _by_kind(Kinds([side("strange"), side()], side("echo"), relay)).valid
