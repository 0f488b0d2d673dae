"""`angarium lab`: a relay tried from outside: what its disk tells, what load it bears, who gets through."""

from cyclopts import App

__all__ = ["lab"]

lab = App(name="lab", help="Try a relay from outside: what its disk tells, what load it bears, who gets through.")
lab.command("angarium.apps.lab.seizure:seizure")
lab.command("angarium.apps.lab.load:load", name="load")
lab.command("angarium.apps.lab.censor:censor")
