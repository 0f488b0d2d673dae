"""The store in one SQLite file. One thread writes, in groups; readers stand apart; what was answered is on disk."""
