"""Adversaries and load, from outside: what it takes to try a relay as a stranger would.

Drives processes and speaks protocols over sockets; refuses to know the relay's inside.
"""
