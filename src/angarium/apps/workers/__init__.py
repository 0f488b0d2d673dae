"""More processes than one: the first (`crew`), the others (`worker`), and what they say to each other (`messages`)."""
