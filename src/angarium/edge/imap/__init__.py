"""IMAP for the apps: one coroutine per connection, one small function per command, over the pure machine in `wire`."""
