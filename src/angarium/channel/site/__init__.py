"""The news site: plain files made from a channel's posts, read from any web server, an onion or a stick."""
