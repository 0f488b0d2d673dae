#!/bin/sh
# What some tests need from Debian: chromium (the pages), pebble (a real ACME server) and strace (disks that fail). Root
# installs them; anybody else is told, and the tests that need them are skipped by name.
set -eu
missing=""
for program in chromium pebble strace; do
    command -v "$program" >/dev/null || missing="$missing $program"
done
[ -z "$missing" ] && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    apt-get update -qq
    # shellcheck disable=SC2086
    DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $missing >/dev/null
else
    echo "tests that need these Debian packages are skipped:$missing" >&2
fi
