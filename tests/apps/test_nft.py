"""A front made of nftables rules, in network namespaces of its own: a person, the front, the relay."""

import os
import secrets
import shutil
import subprocess
from collections.abc import Callable, Iterator

import pytest

from angarium.apps.nft import script

Ends = tuple[str, str, str]
In = Callable[..., str]

PERSON, FRONT_OUTSIDE, FRONT_INSIDE, RELAY = "10.61.1.2", "10.61.1.1", "10.61.2.1", "10.61.2.2"
SERVE = """
import socket
one = socket.create_server(("0.0.0.0", 10443))
print("up", flush=True)
while True:
    accepted, peer = one.accept()
    accepted.sendall(peer[0].encode())
    accepted.close()
"""
ASK = """
import socket
with socket.create_connection(("10.61.1.1", 443), timeout=10) as one:
    print(one.recv(100).decode())
"""


def run(*words: str, given: str = "") -> str:
    return subprocess.run(words, input=given, capture_output=True, text=True, check=True).stdout


@pytest.fixture
def ends() -> Iterator[Ends]:
    """Three namespaces; the person and the relay reach the front, and not each other."""
    if os.geteuid() != 0 or not all(map(shutil.which, ("ip", "nft"))):
        pytest.skip("needs root, iproute2 and nftables")
    mark = secrets.token_hex(3)
    person, front, relay = (f"{end}-{mark}" for end in "pfr")
    try:
        for end in (person, front, relay):
            run("ip", "netns", "add", end)
            run("ip", "-n", end, "link", "set", "lo", "up")
        for end, theirs, ours in ((person, PERSON, FRONT_OUTSIDE), (relay, RELAY, FRONT_INSIDE)):
            here, there = f"a{end}"[:15], f"b{end}"[:15]
            run("ip", "-n", front, "link", "add", here, "type", "veth", "peer", "name", there, "netns", end)
            for space, link, address in ((front, here, ours), (end, there, theirs)):
                run("ip", "-n", space, "address", "add", f"{address}/24", "dev", link)
                run("ip", "-n", space, "link", "set", link, "up")
        yield person, front, relay
    except subprocess.CalledProcessError as error:
        pytest.skip(f"no network namespaces here: {error.stderr}")
    finally:
        for end in (person, front, relay):
            subprocess.run(["ip", "netns", "delete", end], capture_output=True, check=False)


def test_it_leads_to_the_relay_which_sees_the_front_and_loaded_again_it_still_does(ends: Ends) -> None:
    person, front, relay = ends
    python = shutil.which("python3") or "python3"
    run("ip", "netns", "exec", front, "sysctl", "-qw", "net.ipv4.ip_forward=1")
    with subprocess.Popen(
        ["ip", "netns", "exec", relay, python, "-c", SERVE], stdout=subprocess.PIPE, text=True
    ) as served:
        try:
            assert served.stdout
            assert served.stdout.readline() == "up\n"
            for _ in range(2):
                run("ip", "netns", "exec", front, "nft", "-f", "-", given=script(RELAY, {443: 10443, 993: 10993}))
                said = run("ip", "netns", "exec", person, python, "-c", ASK)
                assert said.strip() == FRONT_INSIDE  # and not the person's address
            rules = run("ip", "netns", "exec", front, "nft", "list", "ruleset")
            assert rules.count("dnat to") == 1
        finally:
            served.kill()
