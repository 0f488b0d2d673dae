"""What bytes mean: pure codecs and protocol machines.

Bytes in, events out, bytes to send. Nothing here knows a clock, a socket, a disk or an event loop; a test enforces it.
Every protocol machine has the same four verbs: ``receive(data) -> list[Event]``, ``reply(...)``, ``to_send() -> bytes``
and ``state``.
"""
