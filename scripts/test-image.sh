#!/usr/bin/env bash
# Makes a machine's image for SD cards by its own recipe (systemd/make-image.sh), from an image like Raspberry Pi OS's: a
# FAT partition with config.txt and cmdline.txt, and a Debian of this computer's own kind. Needs root and the network.
#
#   scripts/test-image.sh [bookworm|trixie]
#
# The Python packages come from a folder of wheels inside the image, taken with this computer's own pip before.
set -euo pipefail

suite=${1:-bookworm}
cd "$(dirname "$0")/.."

# shellcheck source=scripts/own-mounts.sh
. scripts/own-mounts.sh

[ "$(id -u)" -eq 0 ] || skip "only root can mount an image"
for program in mmdebstrap mkfs.vfat mcopy sfdisk losetup mke2fs; do
    PATH=$PATH:/usr/sbin command -v "$program" >/dev/null ||
        skip "$program is missing: apt-get install mmdebstrap dosfstools mtools fdisk mount e2fsprogs"
done
if ! looped=$(losetup --find 2>/dev/null) || [ ! -e "$looped" ]; then skip "this computer gives no loop device"; fi

with_own_mounts "$suite"
root=$work/root
# shellcheck source=scripts/debian-root.sh
. scripts/debian-root.sh
# shellcheck source=scripts/card.sh
. scripts/card.sh

say "an image of a Debian $suite"
write_sources "$suite" "$work/sources"
mmdebstrap --quiet --variant=minbase --include=ca-certificates,systemd-sysv,python3-venv,python3-pip "$suite" "$root" "$work/sources"
lend
cp requirements/device.txt requirements/build.txt systemd/locked-packages.sh "$root/srv/"
inside /srv/locked-packages.sh download python3 --dest /srv/wheels /srv/device.txt /srv/build.txt
take_back || fail "what was lent is still mounted"
mkdir -p "$root/boot/firmware"
rm -f "$root/etc/machine-id" "$root/etc/pip.conf" "$root/etc/resolv.conf"
: >"$root/etc/machine-id"
ln -s /run/systemd/resolve/stub-resolv.conf "$root/etc/resolv.conf"
write_card "$root" "$work/given.img"
rm -rf --one-file-system "$root"
before=$(sha256sum <"$work/given.img")

say "the recipe"
begin=$SECONDS
PIP_NO_INDEX=1 PIP_FIND_LINKS=/srv/wheels systemd/make-image.sh "$work/given.img" "$work/machine.img" 1200
took=$((SECONDS - begin))
[ "$(sha256sum <"$work/given.img")" = "$before" ] || fail "the image that was given was changed"

say "what is in it"
mkdir "$work/card"
mount -o "loop,ro,offset=$(($(partition_start "$work/machine.img" 2) * 512))" "$work/machine.img" "$work/card"
mount -o "loop,ro,offset=$(($(partition_start "$work/machine.img" 1) * 512)),sizelimit=$((64 * 1024 * 1024))" "$work/machine.img" "$work/card/boot/firmware"
card=$work/card
[ -x "$card/opt/interval-coach/$(readlink "$card/opt/interval-coach/current")/bin/interval-coach" ] || fail "no version is in use"
[ "$(readlink "$card/etc/systemd/system/multi-user.target.wants/interval-coach.target")" ] || fail "the services do not start at the boot"
grep -qx dtparam=i2c_arm=on "$card/boot/firmware/config.txt" || fail "I²C is not switched on"
grep -q 'console=tty3' "$card/boot/firmware/cmdline.txt" || fail "the boot writes on the screen's terminal"
[ ! -s "$card/etc/machine-id" ] || fail "all cards would have one machine's id"
[ -z "$(ls -A "$card/var/lib/interval-coach/identity")" ] || fail "a key is on it"
[ ! -e "$card/var/lib/interval-coach/diary.db" ] || fail "a diary is on it"
[ ! -e "$card/usr/sbin/policy-rc.d" ] || fail "its services would never start"
[ "$(readlink "$card/etc/resolv.conf")" = /run/systemd/resolve/stub-resolv.conf ] || fail "its way to the network was changed"
[ -z "$(losetup --associated "$work/given.img")" ] || fail "a loop device is left"
size=$(du -h "$work/machine.img" | cut -f 1)
umount --recursive "$card"
[ -z "$(losetup --associated "$work/machine.img")" ] || fail "a loop device is left"
printf '\nan image in %d s, %s on the disk\n' "$took" "$size"
