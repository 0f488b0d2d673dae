"""`python -m angarium` is the `angarium` command."""

from angarium.apps import main

main()
