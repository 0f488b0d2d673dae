"""A seized disk: a relay is driven, killed and copied; then everything it wrote is searched, and guessed from.

The examiner knows this program, its schema and every person by name. What is asked: which of these names can be found,
and who shares a group with whom.
"""
