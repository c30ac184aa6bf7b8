#!/usr/bin/env bash
# Runs README's two commands on a machine that has only make, git and Python: a bare Debian in a temporary folder, with Debian's
# own Python and pip. Every locked package has a newer release there. Needs root, mmdebstrap and the network.
#
#   scripts/test-checkout.sh [bookworm|trixie]     WHAT="demo set-up" leaves the test suite out; REF=… names another commit
#
# Packages come from where this computer's own apt and pip get theirs: its configuration, and the folders that it names, are
# lent for the time of the test. Folders that these need in turn: LEND="/some/folder /another".
set -euo pipefail

suite=${1:-bookworm}
what=${WHAT:-demo set-up test}
cd "$(dirname "$0")/.."

# shellcheck source=scripts/own-mounts.sh
. scripts/own-mounts.sh

[ "$(id -u)" -eq 0 ] || skip "only root can make a Debian in a folder. Run: sudo make test-install"
command -v mmdebstrap >/dev/null || skip "mmdebstrap is missing: apt-get install mmdebstrap"

with_own_mounts "$suite"
root=$work/root
# shellcheck source=scripts/debian-root.sh
. scripts/debian-root.sh
write_sources "$suite" "$work/sources"

say "a bare Debian $suite with make, git and Python"
mmdebstrap --quiet --variant=minbase --include=ca-certificates,make,git,python3 "$suite" "$root" "$work/sources"
lend
# Tests read and limit what runs: devices and control groups, as on any machine.
mount --rbind --make-rslave /dev "$root/dev"
mount --rbind --make-rslave /sys "$root/sys"
# Packages start no service in there.
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
chmod +x "$root/usr/sbin/policy-rc.d"
mkdir -p "$root/srv/newer"
python3 -m scripts.newer_releases "$root/srv/newer"
# pip takes these folders from the environment, separated by spaces.
lent+=("PIP_FIND_LINKS=/srv/newer ${PIP_FIND_LINKS:-}")
git clone --quiet --no-local . "$work/clone"
git -C "$work/clone" checkout --quiet --detach "$(git rev-parse "${REF:-HEAD}")"
mv "$work/clone" "$root/srv/interval-coach"
inside python3 --version

# processor_s: whole seconds of processor time that this script's ended children have had.
processor_s() {
    python3 -c 'import sys
fields = open(f"/proc/{sys.argv[1]}/stat").read().rpartition(")")[2].split()
print((int(fields[13]) + int(fields[14])) // 100)' $$
}

took=()
for target in $what; do
    say "make $target"
    begin=$SECONDS
    before=$(processor_s)
    status=0
    inside make --no-print-directory -C /srv/interval-coach "$target" SPEED="${SPEED:-120}" </dev/null 2>&1 | tee "$work/$target" || status=$?
    took+=("make $target: rc $status in $((SECONDS - begin)) s, $(($(processor_s) - before)) s of processor time")
    [ "$status" -eq 0 ] || fail "${took[-1]}: $(tail -n 20 "$work/$target")"
    [ "$target" != set-up ] || inside /srv/interval-coach/.venv/bin/python -m pip check
    [ -z "$(git -C "$root/srv/interval-coach" -c safe.directory='*' status --porcelain)" ] || fail "make $target left files in the checkout"
done

say "figures, with a newer release of every locked package"
brings=$(inside python3 -c 'import ensurepip, platform; print(f"Python {platform.python_version()}, whose venv brings pip {ensurepip.version()}")')
printf '%s: %s\n' "$suite" "$brings"
for figure in "${took[@]}"; do printf '%s: %s\n' "$suite" "$figure"; done
