"""What a message must be to be taken, one check to a file. Each returns a verdict, and none knows where it is asked.

`mail.delivery` runs them, cheapest first. Their rules are those of the existing chatmail network.
"""
