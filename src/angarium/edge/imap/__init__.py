"""IMAP for the apps: one coroutine per connection, one small function per command, over the pure machine in `wire`."""

from angarium.edge.imap.serve import serve_imap
from angarium.edge.imap.site import ImapSite

__all__ = ["ImapSite", "serve_imap"]
