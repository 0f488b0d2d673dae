"""Can people still get through: the real core behind a censor, in network namespaces that the lab makes itself.

Refuses to know the relay's inside: any relay will do that starts with a command line.
"""
