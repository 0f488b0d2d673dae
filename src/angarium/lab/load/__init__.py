"""`angarium lab load`: what a relay bears, measured from outside by bare clients that behave as the apps do.

Works against any relay that speaks IMAP and submission over TLS; of the relay's inside it knows nothing but the CPU
time and memory that the kernel tells of its processes.
"""
