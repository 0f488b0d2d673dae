"""What the relay shows to browsers and tells apps over HTTP: handlers that turn a Request into a Response.

They refuse to know connections (`edge/http.py` holds those) and every decision (the gate's). Pages work without
JavaScript, cookies, fonts or anything else from anywhere, so that nobody but the relay learns who looked at them.
"""
