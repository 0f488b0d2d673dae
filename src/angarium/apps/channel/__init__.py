"""`angarium channel`: publishing, at the newsroom, away from any relay. One file for each word."""

from cyclopts import App

__all__ = ["app"]

app = App(
    name="channel",
    help_format="markdown",
    help="""\
A channel: posts that reach subscribers' apps, and everybody else as a site of plain files that anyone may copy.

All of it lies in one folder at the newsroom (`--channel`), and works without a relay but for what goes to apps.
""",
)
app.command("angarium.apps.channel.init:init")
app.command("angarium.apps.channel.init:invite")
app.command("angarium.apps.channel.run:run")
app.command("angarium.apps.channel.site:site")
app.command("angarium.apps.channel.mirror:mirror")
app.command("angarium.apps.channel.verify:verify")
app.command("angarium.apps.channel.successor:successor")
app.command("angarium.apps.channel.passphrase:passphrase")
app.command("angarium.apps.channel.intake:intake", name="import")
app.command("angarium.apps.channel.farewell:farewell")
