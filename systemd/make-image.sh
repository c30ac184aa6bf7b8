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

root='' devices=() done=no
let_go() {
    local device
    if [ -n "$root" ]; then
        ! mountpoint -q "$root" || umount --recursive "$root"
        rmdir "$root" 2>/dev/null || true
    fi
    for device in "${devices[@]}"; do losetup --detach "$device"; done
    # Half an image must not be mistaken for one.
    [ "$done" = yes ] || rm -f "$image"
}
trap let_go EXIT

# device_of NUMBER: the partition as a device; its place is told, since not every kernel looks for partitions in a file.
device_of() {
    local start size
    read -r start size < <(sfdisk --dump "$image" | sed -nE "s/^.*[^0-9]$1 : start= *([0-9]+), size= *([0-9]+),.*/\1 \2/p") || true
    [ -n "$start" ] || refuse "$given has no partition $1; is it an image of Raspberry Pi OS?"
    losetup --find --show --offset $((start * 512)) --sizelimit $((size * 512)) "$image"
}

echo "Copying $given"
case $given in
    *.xz) xz --decompress --stdout --threads=0 "$given" >"$image" ;;
    *) cp --sparse=always "$given" "$image" ;;
esac
truncate --size "+${more_mb}M" "$image"
# The second partition is the system's, and the last: it takes all the room.
echo ', +' | sfdisk --quiet --no-reread -N 2 "$image" || refuse "$given has no second partition; is it an image of Raspberry Pi OS?"
boot_device=$(device_of 1)
devices+=("$boot_device")
system_device=$(device_of 2)
devices+=("$system_device")
e2fsck -fp "$system_device" >/dev/null || [ $? -eq 1 ] || refuse "the system in $given is damaged."
resize2fs "$system_device" >/dev/null 2>&1 || refuse "the system in $given cannot be given more room."

root=$(mktemp -d /var/tmp/interval-coach-image.XXXXXX)
mount "$system_device" "$root"
boot=$root/boot/firmware
[ -d "$boot" ] || boot=$root/boot
mount "$boot_device" "$boot"
for folder in proc sys dev; do mount --rbind --make-rslave "/$folder" "$root/$folder"; done
mount -t tmpfs tmpfs "$root/run"
mount -t tmpfs tmpfs "$root/tmp"

chroot "$root" /bin/true 2>/dev/null ||
    refuse "programs of the image do not run here. On x86: apt-get install qemu-user-static binfmt-support"
# This computer's way to the network is lent, wherever the image looks for it.
resolv=$root$(chroot "$root" readlink -m /etc/resolv.conf)
made_resolv=no
if [ ! -e "$resolv" ]; then
    mkdir -p "$(dirname "$resolv")"
    : >"$resolv"
    made_resolv=yes
fi
mount --bind /etc/resolv.conf "$resolv"
mkdir -p "$root/tmp/interval-coach"
git -C "$checkout" archive --format=tar HEAD | tar -xf - -C "$root/tmp/interval-coach"
# apt starts no service inside an image.
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
chmod +x "$root/usr/sbin/policy-rc.d"

echo "Installing"
chroot "$root" /tmp/interval-coach/systemd/install.sh

rm -f "$root/usr/sbin/policy-rc.d"
# Each card's first boot makes a name and keys of its own: dbus would else hand its own copy of the id to every card.
: >"$root/etc/machine-id"
rm -f "$root/var/lib/dbus/machine-id"
if compgen -G "$root/etc/ssh/ssh_host_*_key" >/dev/null; then
    rm -f "$root"/etc/ssh/ssh_host_*_key "$root"/etc/ssh/ssh_host_*_key.pub
    mkdir -p "$root/etc/systemd/system/ssh.service.d"
    printf '[Service]\nExecStartPre=\nExecStartPre=/usr/bin/ssh-keygen -A\nExecStartPre=/usr/sbin/sshd -t\n' \
        >"$root/etc/systemd/system/ssh.service.d/host-keys.conf"
fi
umount "$resolv"
[ "$made_resolv" = no ] || rm -f "$resolv"
chroot "$root" apt-get clean
rm -rf "$root"/var/lib/apt/lists/*
sync -f "$root"
umount --recursive "$root"
e2fsck -fp "$system_device" >/dev/null || [ $? -eq 1 ] || refuse "the image was damaged on the way."
done=yes
echo "Made $image ($(du -h "$image" | cut -f 1) on the disk). Write it with the Raspberry Pi Imager, or with dd."
