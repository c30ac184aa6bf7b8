#!/usr/bin/env bash
# Installs a machine for real: into a minimal Debian in a temporary folder, twice in a row, then a version beside it, then
# takes it away again. Needs root, mmdebstrap and the network; this computer's own /opt and /etc are not touched.
#
#   scripts/test-install.sh [bookworm|trixie]      some minutes; prints each figure with its target. REF=… names another
#                                                  commit than the newest
#
# Packages come from where this computer's own apt and pip get theirs: its configuration, and the folders that it names, are
# lent for the time of the test. Folders that these need in turn: LEND="/some/folder /another".
set -euo pipefail

suite=${1:-bookworm}
longest_s=600
cd "$(dirname "$0")/.."

say() { printf '\n=== %s\n' "$*"; }
skip() {
    printf 'test-install: skipped: %s\n' "$*" >&2
    exit 77
}
fail() {
    printf 'test-install: FAILED: %s\n' "$*" >&2
    exit 1
}

[ "$(id -u)" -eq 0 ] || skip "only root can make a Debian in a folder. Run: sudo make test-install"
command -v mmdebstrap >/dev/null || skip "mmdebstrap is not installed: apt-get install mmdebstrap"

if [ "${IN_NAMESPACE:-}" != yes ]; then
    work=$(mktemp -d /var/tmp/interval-coach-install.XXXXXX)
    trap 'rm -rf --one-file-system "$work"' EXIT
    # All mounts are this test's own, and end with it.
    IN_NAMESPACE=yes WORK=$work unshare --mount --propagation private "$0" "$suite"
    exit 0
fi

work=${WORK:?}
root=$work/root
sources=$work/sources
# shellcheck source=scripts/debian-root.sh
. scripts/debian-root.sh
write_sources "$suite" "$sources"

say "a minimal Debian $suite"
mmdebstrap --quiet --variant=minbase --include=ca-certificates,systemd-sysv "$suite" "$root" "$sources"

lend

# As on a Raspberry Pi: the file that its firmware reads.
mkdir -p "$root/boot/firmware"
printf '# For more options and information see\ndtparam=audio=on\n#dtparam=i2c_arm=on\n\n[cm5]\ndtoverlay=dwc2,dr_mode=host\n\n[all]\n' \
    >"$root/boot/firmware/config.txt"
mkdir -p "$root/srv/interval-coach"
git archive --format=tar "${REF:-HEAD}" | tar -xf - -C "$root/srv/interval-coach"

install_again() { # LOG
    local begin=$SECONDS
    inside /srv/interval-coach/systemd/install.sh 2>&1 | tee "$1"
    took=$((SECONDS - begin))
}
everything() {
    (cd "$root" && find . -xdev \( -path ./var/log -o -path ./opt/interval-coach/.installing \) -prune -o \( -type f -o -type l -o -type d \) -printf '%p %M %u %g %l %T@\n' | LC_ALL=C sort)
}

say "the installer, first run"
install_again "$work/first"
[ "$took" -le "$longest_s" ] || fail "the first run took $took s; the target is $longest_s s"
first=$took

say "the installer, second run"
everything >"$work/before"
install_again "$work/second"
everything >"$work/after"
grep -q '^Nothing had to be changed\.$' "$work/second" || fail "the second run changed something"
diff "$work/before" "$work/after" >"$work/changed" || fail "the second run changed files: $(head -n 20 "$work/changed")"
second=$took
size=$(du -sh "$root/opt/interval-coach/versions" | cut -f 1)

say "what was installed"
inside interval-coach --version
inside systemd-analyze verify --man=no --generators=no --recursive-errors=no /etc/systemd/system/interval-coach-{coach,display,sync,trial}.service
[ "$(readlink "$root/etc/systemd/system/multi-user.target.wants/interval-coach.target")" ] || fail "the target is not enabled"
grep -qx dtparam=i2c_arm=on "$root/boot/firmware/config.txt" || fail "I²C is not switched on"
# The coach as its own account, with the settings that the installer laid out but a simulated strap.
chroot "$root" env -i "${own[@]}" setpriv --reuid interval-coach --regid interval-coach --clear-groups env HOME=/ STATE_DIRECTORY=/var/lib/interval-coach \
    timeout -s TERM 120 interval-coach coach --strap simulated >"$work/coach" 2>&1 &
coach=$!
for _ in $(seq 200); do
    [ ! -S "$root/run/interval-coach/coach.sock" ] || break
    sleep 0.3
done
[ -S "$root/run/interval-coach/coach.sock" ] || fail "the coach did not come up: $(cat "$work/coach")"
inside interval-coach sessions list
kill "$coach"
wait "$coach" || true
[ -s "$root/var/lib/interval-coach/diary.db" ] || fail "the coach kept no diary"

say "a version beside it, in force from the next boot on"
printf '\n# another version\n' >>"$root/srv/interval-coach/firmware/version.py"
install_again "$work/third"
[ "$(readlink "$root/opt/interval-coach/current")" != "$(readlink "$root/opt/interval-coach/steady")" ] || fail "nothing is on trial"
[ -s "$root/var/lib/interval-coach/before-upgrade.db" ] || fail "the diary was not copied"
for _ in 1 2 3; do inside /opt/interval-coach/steady/share/interval-coach/systemd/version-guard.sh; done
[ "$(readlink "$root/opt/interval-coach/current")" = "$(readlink "$root/opt/interval-coach/steady")" ] || fail "it did not go back"

say "taking it away"
inside /srv/interval-coach/systemd/install.sh uninstall
[ -s "$root/var/lib/interval-coach/diary.db" ] || fail "the diary is gone"
left=$(cd "$root" && find etc opt usr boot -xdev -name '*interval-coach*' ! -path 'etc/interval-coach*' ! -path '*before-interval-coach' ! -name passwd)
[ -z "$left" ] || fail "this was left: $left"

say "figures"
printf 'first run %d s (target ≤ %d s), second run %d s without a change, size of a version %s\n' \
    "$first" "$longest_s" "$second" "$size"
