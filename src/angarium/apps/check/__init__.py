"""`angarium check`: five people with the real core of the apps try out a relay, ours or not.

`command` is what a keeper types; `examine` runs the `steps`, which happen in a `trial` whose `ledger` knows what was
sent and what arrived; `core` speaks to the real core, and a `profile` is one person in it; `throwaway` is a relay for
the length of a check, `links` and `farewell` are how accounts come and go; `report` is what is shown.
"""

from angarium.apps.check.command import check

__all__ = ["check"]
