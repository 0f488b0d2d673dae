"""A front in the kernel: nftables rules that hand connections on to a relay (nft(8): NAT statements, FIB expressions).

The source address is replaced on the way (masquerade), so that answers come back by the front; the relay sees the
front's address, as with `edge.front`. Loading the script again replaces what it made before, and nothing else.
"""

from collections.abc import Mapping

__all__ = ["script"]

TABLE = "angarium_front"


def script(relay: str, ports: Mapping[int, int]) -> str:
    """A script for `nft -f`. `relay` is an IP address; `ports` are the relay's, by the front's."""
    family, target = ("ip6", f"[{relay}]") if ":" in relay else ("ip", relay)
    here = ", ".join(map(str, ports))
    led = ", ".join(f"{port} : {there}" for port, there in ports.items())
    return (
        f"table {family} {TABLE}\n"
        f"delete table {family} {TABLE}\n"
        f"table {family} {TABLE} {{\n"
        "  chain in {\n"
        "    type nat hook prerouting priority dstnat\n"
        f"    fib daddr type local tcp dport {{ {here} }} dnat to {target} : tcp dport map {{ {led} }}\n"
        "  }\n"
        "  chain out {\n"
        "    type nat hook postrouting priority srcnat\n"
        f"    ct status dnat {family} daddr {relay} masquerade\n"
        "  }\n"
        "}\n"
    )
