#!/usr/bin/env bash
# Installs a machine for real: into a minimal Debian in a temporary folder, twice in a row, then boots it in a container
# and upgrades it to packages that are good, that die, that freeze, and that meet a power cut, then takes it away again.
# Needs root, mmdebstrap, systemd-nspawn and the network; this computer's own /opt and /etc are not touched.
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

# shellcheck source=scripts/own-mounts.sh
. scripts/own-mounts.sh

[ "$(id -u)" -eq 0 ] || skip "only root can make a Debian in a folder. Run: sudo make test-install"
for program in mmdebstrap systemd-nspawn nsenter; do
    command -v "$program" >/dev/null || skip "$program is missing: apt-get install mmdebstrap systemd-container util-linux"
done

with_own_mounts "$suite"
root=$work/root
opt=/opt/interval-coach
sources=$work/sources
# shellcheck source=scripts/debian-root.sh
. scripts/debian-root.sh
# shellcheck source=scripts/booted-root.sh
. scripts/booted-root.sh
trap cut_power EXIT
write_sources "$suite" "$sources"

say "a minimal Debian $suite"
mmdebstrap --quiet --variant=minbase --include=ca-certificates,systemd-sysv "$suite" "$root" "$sources"

lend

# As on a Raspberry Pi: the file that its firmware reads.
mkdir -p "$root/boot/firmware"
printf '# For more options and information see\ndtparam=audio=on\n#dtparam=i2c_arm=on\n\n[cm5]\ndtoverlay=dwc2,dr_mode=host\n\n[all]\n' \
    >"$root/boot/firmware/config.txt"
boot_line='console=serial0,115200 console=tty1 root=PARTUUID=4e639091-02 rootfstype=ext4 fsck.repair=yes rootwait'
echo "$boot_line" >"$root/boot/firmware/cmdline.txt"
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
first_s=$took

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
inside "$opt/current/bin/python" -I -c 'import evdev, numpy, pygame, bleak, luma.oled'
inside systemd-analyze verify --man=no --generators=no --recursive-errors=no /etc/systemd/system/interval-coach-{coach,display,sync,trial}.service
[ "$(readlink "$root/etc/systemd/system/multi-user.target.wants/interval-coach.target")" ] || fail "the target is not enabled"
grep -qx dtparam=i2c_arm=on "$root/boot/firmware/config.txt" || fail "I²C is not switched on"
grep -q 'console=tty3 .* quiet' "$root/boot/firmware/cmdline.txt" || fail "the boot writes on the screen's terminal"
[ "$(readlink "$root/etc/systemd/system/getty@tty1.service")" = /dev/null ] || fail "a log-in stands under the picture"
# Somebody has trained here, and the machine is enrolled.
inside interval-coach demo --headless --no-server --no-sound --speed 120 --output /srv/demo >/dev/null 2>&1
inside install -o interval-coach -g interval-coach -m 0640 /srv/demo/diary.db /var/lib/interval-coach/diary.db
trained=$(inside interval-coach sessions --diary /srv/demo/diary.db list)
inside "$opt/current/bin/python" -I - <<'PYTHON'
from pathlib import Path
import msgspec
from firmware.enrolment import enrol
from sync.delivery.machine_identity import ACCOUNT, MACHINE_PEM, Account
folder = Path("/var/lib/interval-coach/identity")
names = dict(clinic="oslo", machine="m-1", broker_host="broker.example", broker_port=8883, server="broker.example:8443")
account = Account(**names, certificate_from_wall_s=1.7e9, certificate_until_wall_s=2.6e9)
enrol._write(folder / MACHINE_PEM, b"a key")
enrol._write(folder / ACCOUNT, msgspec.json.encode(account), enrol._FOR_THE_GROUP)
PYTHON
# The coach as its own account, with the settings that the installer laid out but a simulated strap.
as_coach=(chroot "$root" env -i "${own[@]}" setpriv --reuid interval-coach --regid interval-coach --clear-groups)
as_coach+=(env HOME=/ STATE_DIRECTORY=/var/lib/interval-coach)
"${as_coach[@]}" timeout -s TERM 120 interval-coach coach --strap simulated >"$work/coach" 2>&1 &
coach=$!
for _ in $(seq 200); do
    [ ! -S "$root/run/interval-coach/coach.sock" ] || break
    sleep 0.3
done
[ -S "$root/run/interval-coach/coach.sock" ] || fail "the coach did not come up: $(cat "$work/coach")"
inside interval-coach sessions list
for who in coach root; do
    look=(inside)
    [ "$who" = root ] || look=("${as_coach[@]}")
    "${look[@]}" interval-coach doctor certificate --json >"$work/doctor" || fail "the doctor finds fault with the certificate: $(cat "$work/doctor")"
    grep -q 2052 "$work/doctor" || fail "the doctor run by $who does not see the certificate: $(cat "$work/doctor")"
done
! "${as_coach[@]}" cat /var/lib/interval-coach/identity/machine.pem 2>/dev/null || fail "the coach's account may read the key"
kill "$coach"
wait "$coach" || true
[ "$(inside interval-coach sessions --diary /var/lib/interval-coach/diary.db list)" = "$trained" ] || fail "the session is gone"

say "a version beside it, in force from the next boot on"
printf '\n# another version\n' >>"$root/srv/interval-coach/firmware/system/version.py"
install_again "$work/third"
[ "$(readlink "$root/opt/interval-coach/current")" != "$(readlink "$root/opt/interval-coach/steady")" ] || fail "nothing is on trial"
[ -s "$root/var/backups/interval-coach/before-upgrade.db" ] || fail "the diary was not copied"
for _ in 1 2 3; do inside /opt/interval-coach/steady/share/interval-coach/systemd/version-guard.sh; done
[ "$(readlink "$root/opt/interval-coach/current")" = "$(readlink "$root/opt/interval-coach/steady")" ] || fail "it did not go back"

say "the same version, judged good after the boot"
install_again "$work/fourth"
version_on() { basename "$(readlink "$root$opt/$1")"; }
tried=$(version_on current)
# A container has no terminals.
mkdir -p "$root/etc/systemd/system/interval-coach-display.service.d"
printf '[Service]\nStandardInput=null\n' >"$root/etc/systemd/system/interval-coach-display.service.d/container.conf"
boot || skip "systemd does not run in a container here; all before this was tested, no upgrade on a running machine was"
all_run='systemctl is-active -q interval-coach-coach interval-coach-display interval-coach-sync'
until_booted 300 "$all_run && [ ! -e $opt/starts ]" || fail "it was not judged: $(booted journalctl -b -u 'interval-coach-*' -n 60 --no-pager)"
[ "$(version_on steady) $(version_on current)" = "$tried $tried" ] || fail "it was not found good"
! booted journalctl -b -u interval-coach-coach --no-pager | grep unchecked || fail "the doctor in the coach's sandbox cannot look"

say "upgrades to packages, on the running machine"
booted ssh-keygen -q -t ed25519 -N '' -f /srv/key
package() { # NAME VERSION LINE: builds and signs one, with a line more in the coach's service; gives its path
    local tree=/srv/package-$1
    cp -r "$root/srv/interval-coach" "$root$tree"
    sed -i "s/^version = .*/version = \"$2\"/" "$root$tree/pyproject.toml"
    printf '\n%s\n' "$3" >>"$root$tree/firmware/services/coach_service.py"
    booted env PYTHONPATH=/srv/tools "$opt/current/bin/python" -m pip -qq --no-input --disable-pip-version-check wheel --no-deps --no-build-isolation --wheel-dir "/srv/release-$1" "$tree" >&2
    rm -rf "${root:?}$tree"
    booted /srv/interval-coach/scripts/sign-release.sh /srv/key "/srv/release-$1" >&2
    echo "/srv/release-$1/interval_coach-$2-py3-none-any.whl"
}
starts_of() { booted journalctl -b -u interval-coach-coach --no-pager | grep -c "start [12] of 2 of $1" || true; }
diary_is_whole() {
    until_booted 120 "$all_run" || fail "not all services run $1"
    [ "$(booted interval-coach sessions list)" = "$trained" ] || fail "the diary is not what it was $1"
}
booted /srv/interval-coach/systemd/locked-packages.sh install "$opt/current/bin/python" --target /srv/tools /srv/interval-coach/requirements/build.txt
good=$(package good 90.0.1 '')
dies=$(package dies 90.0.2 'raise RuntimeError("a bad update")')
freezes=$(package freezes 90.0.3 '__import__("threading").Timer(8.0, __import__("os").kill, (__import__("os").getpid(), 19)).start()')

now=$(version_on current)
! booted interval-coach upgrade "$good" 2>"$work/refused" || fail "a package of an unknown signer was taken"
grep -q "knows no key" "$work/refused" || fail "the refusal does not say why: $(cat "$work/refused")"
[ "$(version_on current)" = "$now" ] || fail "the refused package is in force"
echo "release $(cat "$root/srv/key.pub")" >"$root/etc/interval-coach/release-signers"
begin=$SECONDS
booted interval-coach upgrade "$good"
upgraded=$((SECONDS - begin))
new=$(version_on current)
[[ "$new" == 90.0.1-* && "$(version_on steady)" = "$new" ]] || fail "the good version is not in force"
diary_is_whole "after an upgrade"

fallen_back=()
for bad in "$dies" "$freezes"; do
    begin=$SECONDS
    ! booted interval-coach upgrade "$bad" || fail "$bad was found good"
    fallen_back+=($((SECONDS - begin)))
    [ "$(version_on current) $(version_on steady)" = "$new $new" ] || fail "the version before $bad does not run again"
    number=$(basename "$bad" | cut -d - -f 2)
    [ "$(starts_of "$number")" -eq 2 ] || fail "$bad had $(starts_of "$number") starts"
    diary_is_whole "after $bad"
done

say "a power cut amid the trial of a bad one"
booted interval-coach upgrade "$freezes" >/dev/null 2>&1 &
upgrade=$!
until_booted 300 "readlink $opt/current | grep -q /90.0.3- && systemctl is-active -q interval-coach-coach" || fail "no trial began"
cut_power
wait "$upgrade" || true
boot || fail "it does not boot again"
until_booted 300 "[ ! -e $opt/starts ]" || fail "nobody judged after the power cut"
[ "$(version_on current) $(version_on steady)" = "$new $new" ] || fail "the bad version stayed after a power cut"
diary_is_whole "after a power cut"

say "taking it away"
booted "$opt/current/share/interval-coach/systemd/install.sh" uninstall
switch_off
rm -r "$root/etc/systemd/system/interval-coach-display.service.d"
[ -s "$root/var/lib/interval-coach/diary.db" ] || fail "the diary is gone"
[ "$(cat "$root/boot/firmware/cmdline.txt")" = "$boot_line" ] || fail "cmdline.txt is not what it was"
left=$(cd "$root" && find etc opt usr boot -xdev -name '*interval-coach*' ! -path 'etc/interval-coach*' ! -path '*before-interval-coach' ! -name passwd)
[ -z "$left" ] || fail "this was left: $left"

say "figures"
printf 'first run %d s (target ≤ %d s), second run %d s without a change, size of a version %s\n' \
    "$first_s" "$longest_s" "$second" "$size"
printf 'upgrade to a good package %d s; back from one that dies %d s, from one that freezes %d s (≤ 2 starts each), diary whole\n' \
    "$upgraded" "${fallen_back[@]}"
