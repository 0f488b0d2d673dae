"""DKIM (RFC 6376, 8301, 8463): whose message it is, told by a key that its domain publishes.

    tags       tag=value lists, the syntax of signatures and of key records
    canonical  which changes on the way do not count
    signature  what a signature says of itself
    record     what a domain publishes
    verify     whether the three agree
    sign       ours

Pure: records are fetched, and the clock is read, by whoever calls. Only `Unverified` is raised, for whatever bytes.
"""
