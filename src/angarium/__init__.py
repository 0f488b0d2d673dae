"""Angarium: a chatmail relay that anyone runs with one command."""

__version__ = "0.1.0"
