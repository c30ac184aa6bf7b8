#!/usr/bin/env bash
# Puts an installed machine into an image for SD cards: takes an image of Raspberry Pi OS Lite (64 bit), gives it room,
# runs the installer inside, and writes a new image. The image that was given stays as it is.
#
#   sudo systemd/make-image.sh RASPIOS.img[.xz] MACHINE.img [MORE_MB]
#
# MORE_MB: room for the packages, 1500 unless said. On a computer of another kind than the Pi (x86) the programs inside
# run through qemu-user with binfmt: apt-get install qemu-user-static binfmt-support. Needs root, and the network.
#
# Nothing of one machine goes into the image: no name, no key, no diary. Each card is set up where it stands
# («sudo interval-coach setup»), or beforehand with the Raspberry Pi Imager's settings for name, Wi-Fi and account.
set -euo pipefail

refuse() {
    printf 'make-image: %s\n' "$*" >&2
    exit 1
}

[ $# -ge 2 ] || {
    sed -n '2,12p' "$0" >&2
    exit 2
}
given=$1 image=$2 more_mb=${3:-1500}
checkout=$(cd "$(dirname "$0")/.." && pwd)
[ "$(id -u)" -eq 0 ] || refuse "only root can mount an image. Run with sudo."
[ -f "$given" ] || refuse "there is no $given."
[ ! -e "$image" ] || refuse "$image is there already. Name another."
for program in losetup sfdisk resize2fs e2fsck chroot; do
    command -v "$program" >/dev/null || refuse "the program $program is missing: apt-get install fdisk e2fsprogs mount"
done

root='' device=''
let_go() {
    if [ -n "$root" ]; then
        mountpoint -q "$root" && umount --recursive "$root"
        rmdir "$root" 2>/dev/null || true
    fi
    [ -z "$device" ] || losetup --detach "$device"
}
trap let_go EXIT

echo "Copying $given"
case $given in
    *.xz) xz --decompress --stdout --threads=0 "$given" >"$image" ;;
    *) cp --sparse=always "$given" "$image" ;;
esac
truncate --size "+${more_mb}M" "$image"
# The second partition is the system's, and the last: it takes all the room.
echo ', +' | sfdisk --quiet --no-reread -N 2 "$image"
device=$(losetup --find --show --partscan "$image")
udevadm settle 2>/dev/null || true
[ -e "${device}p2" ] || refuse "$given has no second partition; is it an image of Raspberry Pi OS?"
e2fsck -fp "${device}p2" >/dev/null || [ $? -eq 1 ] || refuse "the system in $given is damaged."
resize2fs "${device}p2" >/dev/null 2>&1

root=$(mktemp -d /var/tmp/interval-coach-image.XXXXXX)
mount "${device}p2" "$root"
boot=$root/boot/firmware
[ -d "$boot" ] || boot=$root/boot
mount "${device}p1" "$boot"
for folder in proc sys dev; do mount --rbind --make-rslave "/$folder" "$root/$folder"; done
mount -t tmpfs tmpfs "$root/run"
mount -t tmpfs tmpfs "$root/tmp"

chroot "$root" /bin/true 2>/dev/null ||
    refuse "programs of the image do not run here. On x86: apt-get install qemu-user-static binfmt-support"
mkdir -p "$root/run/systemd/resolve" "$root/tmp/interval-coach"
resolv=$(readlink -m "$root/etc/resolv.conf")
case $resolv in "$root"/run/*) mkdir -p "$(dirname "$resolv")" && cp -L /etc/resolv.conf "$resolv" ;; esac
[ -s "$root/etc/resolv.conf" ] || mount --bind /etc/resolv.conf "$root/etc/resolv.conf"
git -C "$checkout" archive --format=tar HEAD | tar -xf - -C "$root/tmp/interval-coach"
# apt starts no service inside an image.
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
chmod +x "$root/usr/sbin/policy-rc.d"

echo "Installing"
chroot "$root" /tmp/interval-coach/systemd/install.sh

rm -f "$root/usr/sbin/policy-rc.d"
chroot "$root" apt-get clean
rm -rf "$root"/var/lib/apt/lists/*
sync -f "$root"
umount --recursive "$root"
e2fsck -fp "${device}p2" >/dev/null || [ $? -eq 1 ] || refuse "the image was damaged on the way."
losetup --detach "$device"
device=''
echo "Made $image ($(du -h "$image" | cut -f 1) on the disk). Write it with the Raspberry Pi Imager, or with dd."
