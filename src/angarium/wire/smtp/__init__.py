"""SMTP and message submission (RFC 5321, RFC 6409) as pure machines: `server` and `client`."""
