"""Mail between relays: what waits for another relay, when it is tried, and by which road.

Knows mail and time; how bytes travel is the business of `reach`.
"""
