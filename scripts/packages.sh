#!/usr/bin/env bash
# Installs packages of the system where they are missing, from where this computer's own apt has them.
#
#   scripts/packages.sh PACKAGE …     says what it installs; ends with 1 where one of them could not be had
set -euo pipefail

say() { printf 'set-up: %s\n' "$*" >&2; }

missing=()
for one in "$@"; do
    dpkg-query -W -f '${Status}' "$one" 2>/dev/null | grep -q 'ok installed' || missing+=("$one")
done
[ ${#missing[@]} -gt 0 ] || exit 0
if ! command -v apt-get >/dev/null; then
    say "this system has no apt. Please install by hand: ${missing[*]}"
    exit 1
fi
as_root=()
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
        say "these Debian packages are missing, and neither root nor sudo is at hand. Ask an administrator to run:" \
            "apt-get install ${missing[*]}"
        exit 1
    fi
    as_root=(sudo)
fi
say "installing with apt: ${missing[*]}"
# Output goes to a file that is shown only on failure: the reader waits for the coach, not for apt.
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# A machine that has just started often updates itself; apt waits until that is done.
apt_get() {
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=600 "$@" >"$log" 2>&1 </dev/null
}
# A list of packages that cannot be fetched anew may still serve.
apt_get update || true
refused=()
if ! apt_get -y install --no-install-recommends "${missing[@]}"; then
    # Not every system has every one of them: what there is, is taken.
    for one in "${missing[@]}"; do
        apt_get -y install --no-install-recommends "$one" || refused+=("$one")
    done
fi
if [ ${#refused[@]} -gt 0 ]; then
    tail -n 15 "$log" >&2
    say "apt could not install: ${refused[*]}"
    exit 1
fi
