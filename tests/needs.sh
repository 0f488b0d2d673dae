#!/bin/sh
# What some tests need from Debian: chromium (the pages), minisign (signatures of sites), pebble (a real ACME server),
# strace (disks that fail), nft (fronts, ports led to one), the mail software of others (postfix, opendkim, dovecot),
# nginx with its streams, which the decoy imitates and the lab's prober compares with, tor (onion addresses), somebody else's
# Shadowsocks, and iproute2 for the lab's namespaces. Root installs them; anybody else is told, and the tests that need
# them are skipped by name. No service is started, now or at the next boot, unless this machine has a policy-rc.d that
# says otherwise: the tests run their own.
set -eu
PATH="$PATH:/usr/sbin"
missing=""
services=""
command -v ip >/dev/null || missing="$missing iproute2"
for program in chromium minisign pebble strace nft; do
    package=$program && [ "$program" != nft ] || package=nftables
    command -v "$program" >/dev/null || missing="$missing $package"
done
for service in postfix opendkim nginx tor; do
    command -v "$service" >/dev/null || { missing="$missing $service" && services="$services $service"; }
done
command -v ss-local >/dev/null ||
    { missing="$missing shadowsocks-libev" && services="$services shadowsocks-libev"; }
[ -e /usr/lib/nginx/modules/ngx_stream_module.so ] || missing="$missing libnginx-mod-stream"
if [ ! -x /usr/lib/dovecot/imap ] || [ ! -x /usr/lib/dovecot/lmtp ]; then
    missing="$missing dovecot-imapd dovecot-lmtpd" services="$services dovecot"
fi
[ -z "$missing" ] && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    policy=/usr/sbin/policy-rc.d
    if [ -n "$services" ] && [ ! -e $policy ]; then
        trap 'rm -f $policy' EXIT
        printf '#!/bin/sh\nexit 101\n' >$policy # "do not start" (invoke-rc.d)
        chmod 755 $policy
    fi
    apt-get update -qq
    # shellcheck disable=SC2086
    DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $missing >/dev/null
    for service in $services; do
        ! command -v systemctl >/dev/null || systemctl disable --quiet "$service" >/dev/null 2>&1 || true
    done
else
    echo "tests that need these Debian packages are skipped:$missing" >&2
fi
