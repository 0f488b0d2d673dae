"""`angarium lab`: a relay tried from outside: what an adversary learns from its disk, and what load it bears."""

from cyclopts import App

__all__ = ["lab"]

lab = App(name="lab", help="Try a relay from outside: what its disk tells, what load it bears.")
lab.command("angarium.apps.lab.seizure:seizure")
lab.command("angarium.apps.lab.load:load", name="load")
