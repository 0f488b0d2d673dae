"""An ordinary web site to everybody who does not know better: static files, as Debian's nginx serves them."""
