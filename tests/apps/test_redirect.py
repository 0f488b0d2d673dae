"""`angarium redirect`: which ports are left alone, and that all others lead to the https port."""

import os
import re
import secrets
import shutil
import subprocess
from pathlib import Path

import pytest

from angarium.apps.nft import redirect
from angarium.apps.redirect import listening
from tests.apps.conftest import Command, Running

HERE, THERE = "10.62.1.1", "10.62.1.2"
SERVE = """
import socket, threading
def serve(port):
    one = socket.create_server(("0.0.0.0", port))
    while True:
        accepted, _ = one.accept()
        accepted.sendall(str(port).encode())
        accepted.close()
for port in (10443, 22):
    threading.Thread(target=serve, args=(port,), daemon=True).start()
print("up", flush=True)
input()
"""
ASK = f"""
import socket
for port in (10443, 22, 1, 8080, 65535):
    with socket.create_connection(("{HERE}", port), timeout=10) as one:
        print(one.recv(100).decode())
"""


def run(*words: str, given: str = "") -> str:
    return subprocess.run(words, input=given, capture_output=True, text=True, check=True).stdout


def test_ports_of_others_are_seen(tmp_path: Path) -> None:
    table = tmp_path / "tcp"
    table.write_text(
        "  sl  local_address rem_address   st tx_queue rx_queue\n"
        "   0: 0100007F:0050 00000000:0000 0A 00000000:00000000\n"
        "   1: 0100007F:C350 0100007F:0050 01 00000000:00000000\n"
        "  10: 00000000000000000000000000000000:08AE 00000000000000000000000000000000:0000 0A 0:0\n"
    )
    assert [*listening((table, tmp_path / "none"))] == [80, 2222]


async def test_the_relays_own_ports_and_those_of_other_programs_stay(
    command: Command, running: Running, tmp_path: Path
) -> None:
    data = str(tmp_path / "data")
    async with running() as up:
        status, said, _ = await command("redirect", "--keep", "2022", "--data", data)
    assert status == 0
    (listed,) = re.findall(r"dport != \{ ([0-9, ]+) \} redirect to", said)
    kept = {*map(int, listed.split(", "))}
    assert {22, 2022, *(door.port for door in up.ready.listening)} <= kept
    assert said.count(f"redirect to :{up.port('https')}\n") == 1
    assert (await command("redirect", "--keep", "70000", "--data", data))[0] == 2
    assert (await command("redirect", "--data", str(tmp_path / "nothing")))[0] == 2


def test_all_others_lead_to_one_and_loaded_again_they_still_do() -> None:
    if os.geteuid() != 0 or not all(map(shutil.which, ("ip", "nft"))):
        pytest.skip("needs root, iproute2 and nftables")
    python, mark = shutil.which("python3") or "python3", secrets.token_hex(3)
    relay, person = f"r-{mark}", f"p-{mark}"
    try:
        for end in (relay, person):
            run("ip", "netns", "add", end)
        run("ip", "-n", relay, "link", "add", f"a{mark}", "type", "veth", "peer", "name", f"b{mark}", "netns", person)
        for end, link, address in ((relay, f"a{mark}", HERE), (person, f"b{mark}", THERE)):
            run("ip", "-n", end, "address", "add", f"{address}/24", "dev", link)
            run("ip", "-n", end, "link", "set", link, "up")
    except subprocess.CalledProcessError as error:
        pytest.skip(f"no network namespaces here: {error.stderr}")
    words = ["ip", "netns", "exec", relay, python, "-c", SERVE]
    try:
        with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as served:
            try:
                assert served.stdout
                assert served.stdout.readline() == "up\n"
                for _ in range(2):
                    run("ip", "netns", "exec", relay, "nft", "-f", "-", given=redirect(10443, (22,)))
                    said = run("ip", "netns", "exec", person, python, "-c", ASK)
                    assert said.split() == ["10443", "22", "10443", "10443", "10443"]
                assert run("ip", "netns", "exec", relay, "nft", "list", "ruleset").count("redirect to") == 1
            finally:
                served.kill()
    finally:
        for end in (relay, person):
            subprocess.run(["ip", "netns", "delete", end], capture_output=True, check=False)
