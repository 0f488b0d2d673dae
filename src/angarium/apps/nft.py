"""Rules for nftables (nft(8): NAT statements, FIB expressions): a front in the kernel, and all ports led to one.

`script` hands connections on to a relay on another machine. The source address is replaced on the way (masquerade), so
that answers come back by the front; the relay sees the front's address, as with `edge.front`. `redirect` brings what
comes for a port of this machine at which nobody listens to one at which the relay does. Loading a script again replaces
what it made before, and nothing else.
"""

from collections.abc import Iterable, Mapping

__all__ = ["redirect", "script"]

TABLE = "angarium_front"
PORTS = "angarium_ports"


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


def redirect(port: int, kept: Iterable[int]) -> str:
    """A script for `nft -f`: to `port`, whatever comes from outside for another one than those `kept`, over TCP.

    Connections that this machine makes, and programs on it, are not concerned.
    """
    others = ", ".join(map(str, sorted({port, *kept})))
    return (
        f"table inet {PORTS}\n"
        f"delete table inet {PORTS}\n"
        f"table inet {PORTS} {{\n"
        "  chain in {\n"
        "    type nat hook prerouting priority dstnat\n"
        f"    fib daddr type local tcp dport != {{ {others} }} redirect to :{port}\n"
        "  }\n"
        "}\n"
    )
