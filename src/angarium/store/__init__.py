"""What the relay remembers: accounts, mailboxes, invitations, and how they change.

The rest of the relay sees the interfaces of `store.interfaces`; `apps/serve.py` chooses the back-end and the seal.
"""
