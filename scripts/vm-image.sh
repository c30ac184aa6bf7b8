#!/usr/bin/env bash
# Makes the disk of the virtual machine (docs/virtual-machine.md): a Debian with the generic kernel and this checkout,
# installed by its own installer. Prints the folder that holds vmlinuz, initrd and machine.ext4.
#
#   scripts/vm-image.sh [bookworm|trixie]     takes some minutes the first time; what is not changed is not made again
#
# Kept under $INTERVAL_COACH_VM, or the user's cache folder. Ends with 77 where it cannot be made, and says why.
set -euo pipefail

suite=${1:-bookworm}
cd "$(dirname "$0")/.."
cache=${INTERVAL_COACH_VM:-${XDG_CACHE_HOME:-$HOME/.cache}/interval-coach-vm}

say() { printf 'vm-image: %s\n' "$*" >&2; }
skip() {
    say "skipped: $*"
    exit 77
}

[ "$(id -u)" -eq 0 ] || skip "only root can make a Debian in a folder"
[ "$(uname -m)" = x86_64 ] || skip "the machine is x86-64: on other processors it would take hours"
for program in mmdebstrap mke2fs qemu-system-x86_64; do
    command -v "$program" >/dev/null || skip "$program is missing: apt-get install mmdebstrap e2fsprogs qemu-system-x86"
done
if [ "${IN_NAMESPACE:-}" != yes ]; then
    mkdir -p "$cache"
    exec 8>"$cache/.making"
    flock 8
    IN_NAMESPACE=yes exec unshare --mount --propagation private "$0" "$suite"
fi

# What the machine needs to be a machine; the installer brings what the product needs.
packages=(ca-certificates systemd-sysv udev dbus kmod linux-image-amd64 initramfs-tools zstd python3)
packages+=(i2c-tools gpiod sqlite3 e2fsprogs procps alsa-utils)
tools=(linux-headers-amd64 linux-source gcc make xz-utils)
product=(coach display firmware server sync systemd requirements pyproject.toml hatch_build.py README.md LICENSE)

# --- Debian, kernel and the modules that Debian does not build --------------------------------------------------------

base=$cache/base-$suite-$({ printf '%s\n' "$suite" "${packages[@]}" "${tools[@]}" && cat tests/vm/modules/* && sed -n '/^make_/,/^}/p' scripts/vm-image.sh; } | sha256sum | cut -c -12)
# shellcheck source=scripts/debian-root.sh
. scripts/debian-root.sh

make_modules() { # INTO
    mkdir -p "$1/build"
    mmdebstrap --quiet --variant=minbase --include="$(IFS=, && echo "${tools[*]}")" "$suite" "$1/tools" "$work/sources"
    local tree=$1/root source taken built kernel
    kernel=$(basename "$tree"/lib/modules/*)
    [ -d "$1/tools/usr/src/linux-headers-$kernel" ] || skip "apt gives headers for another kernel than $kernel"
    source=$(echo "$1"/tools/usr/src/linux-source-*.tar.xz)
    taken=$(basename "$source" .tar.xz)
    built=$1/tools/build
    mkdir "$built"
    cp tests/vm/modules/* "$built"
    # shellcheck disable=SC2086 # two words
    tar -xf "$source" --transform='s#.*/##' -C "$built" $taken/drivers/gpio/gpio-sim.c $taken/drivers/gpio/gpiolib.h \
        $taken/kernel/irq/irq_sim.c
    # What the kernel keeps for itself is replaced by what it gives to modules.
    sed -i 's/handle_simple_irq(irq_to_desc(irqnum))/generic_handle_domain_irq(work_ctx->domain, offset)/' "$built/irq_sim.c"
    chroot "$1/tools" make -s -C "/usr/src/linux-headers-$kernel" M=/build modules >&2
    mkdir -p "$tree/lib/modules/$kernel/extra"
    cp "$built"/*.ko "$tree/lib/modules/$kernel/extra/"
    depmod -b "$tree" "$kernel"
    rm -rf "$1/tools"
}

make_base() {
    rm -rf "$cache"/base-* "$cache"/machine-*
    work=$cache/.base
    rm -rf "$work"
    mkdir -p "$work"
    say "a Debian $suite with its kernel"
    write_sources "$suite" "$work/sources"
    # shellcheck disable=SC2016 # mmdebstrap's own $1
    mmdebstrap --quiet --variant=minbase --include="$(IFS=, && echo "${packages[*]}")" \
        --essential-hook='mkdir -p "$1/etc/initramfs-tools/conf.d" "$1/usr/share/initramfs-tools/modules.d"
            printf "MODULES=list\nCOMPRESS=zstd\n" >"$1/etc/initramfs-tools/conf.d/small"
            printf "virtio_pci\nvirtio_blk\next4\n" >"$1/usr/share/initramfs-tools/modules.d/machine"' \
        "$suite" "$work/root" "$work/sources"
    say "the modules that Debian does not build"
    make_modules "$work"
    mv "$work" "$base"
}

# --- the product, by its installer -----------------------------------------------------------------------------------

files_of() { git ls-files -z -- "$@" | while IFS= read -r -d '' one; do [ ! -f "$one" ] || printf '%s\0' "$one"; done; }

make_machine() {
    rm -rf "$cache"/machine-*
    work=$cache/.machine
    umount "$work/root" 2>/dev/null || true
    rm -rf "$work"
    mkdir -p "$work/root" "$work/upper" "$work/beside"
    mount -t overlay overlay -o "lowerdir=$base/root,upperdir=$work/upper,workdir=$work/beside" "$work/root"
    root=$work/root
    lend
    say "the product, by its own installer"
    mkdir -p "$root/srv/interval-coach"
    files_of "${product[@]}" | tar --null --files-from=- -cf - | tar --no-same-owner -xf - -C "$root/srv/interval-coach"
    printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
    chmod +x "$root/usr/sbin/policy-rc.d"
    inside /srv/interval-coach/systemd/install.sh >&2
    inside python3 -m venv /opt/strap
    inside /srv/interval-coach/systemd/locked-packages.sh install /opt/strap/bin/python /srv/interval-coach/requirements/vm.txt >&2
    rm -f "$root/usr/sbin/policy-rc.d" "$root/etc/pip.conf"
    rm -rf "$root/root/.config" "$root/var/cache/apt" "$root/var/lib/apt/lists" "$root/srv/interval-coach"
    cp -r tests/vm/image/. "$root/"
    echo interval-coach-vm >"$root/etc/hostname"
    mkdir -p "$root/opt/inside"
    say "the disk"
    # What was lent is mounted inside, and does not belong to the disk.
    umount --recursive "$root"
    mount -t overlay overlay -o "lowerdir=$base/root,upperdir=$work/upper,workdir=$work/beside" "$root"
    truncate -s 6G "$work/machine.ext4"
    mke2fs -q -t ext4 -L machine -d "$root" "$work/machine.ext4" 2>&1 | grep -v '^$' >&2 || true
    cp -L "$base/root/boot"/vmlinuz-* "$work/vmlinuz"
    cp -L "$base/root/boot"/initrd.img-*-amd64 "$work/initrd"
    umount "$root"
    rm -rf "$work/upper" "$work/beside" "$work/root"
    mv "$work" "$machine"
}

[ -d "$base" ] || make_base
machine=$cache/machine-$suite-$({ echo "$base" && sed -n '/^make_machine/,/^}/p' scripts/vm-image.sh && files_of "${product[@]}" tests/vm/image | LC_ALL=C sort -z | xargs -0 sha256sum; } | sha256sum | cut -c -12)
[ -d "$machine" ] || make_machine
echo "$machine"
