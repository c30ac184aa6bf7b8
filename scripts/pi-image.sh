#!/usr/bin/env bash
# Makes the SD card of the emulated Raspberry Pi (docs/raspberry-emulation.md): a Debian for arm64 with its kernel on a card
# laid out like Raspberry Pi OS's, and this commit on it by the project's own recipe (systemd/make-image.sh). Prints the folder
# that holds vmlinuz, initrd, pi.dtb and machine.img.
#
#   scripts/pi-image.sh [bookworm|trixie]     takes a quarter of an hour the first time; what is not changed is not made again
#
# Kept under $INTERVAL_COACH_PI, or the user's cache folder. Ends with 77 where it cannot be made, and says why.
set -euo pipefail

suite=${1:-bookworm}
cd "$(dirname "$0")/.."
cache=${INTERVAL_COACH_PI:-${XDG_CACHE_HOME:-$HOME/.cache}/interval-coach-pi}
python=$PWD/.venv/bin/python

say() { printf 'pi-image: %s\n' "$*" >&2; }
skip() {
    say "skipped: $*"
    exit 77
}

[ "$(id -u)" -eq 0 ] || skip "only root can make a Debian in a folder"
for program in mmdebstrap mke2fs sfdisk losetup dtc cpio modprobe qemu-system-aarch64; do
    command -v "$program" >/dev/null || skip "$program is missing: apt-get install \
mmdebstrap e2fsprogs fdisk mount device-tree-compiler cpio kmod qemu-system-arm"
done
if ! looped=$(losetup --find 2>/dev/null) || [ ! -e "$looped" ]; then skip "this computer gives no loop device"; fi
if [ "$(uname -m)" != aarch64 ]; then
    [ -e /proc/sys/fs/binfmt_misc/register ] || mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc 2>/dev/null ||
        skip "this kernel runs no programs of other processors (binfmt_misc)"
    [ -e /proc/sys/fs/binfmt_misc/qemu-aarch64 ] || update-binfmts --enable qemu-aarch64 >&2 ||
        skip "programs for arm64 do not run here: apt-get install qemu-user-static binfmt-support"
fi
if [ "${IN_NAMESPACE:-}" != yes ]; then
    mkdir -p "$cache"
    exec 8>"$cache/.making"
    flock 8
    IN_NAMESPACE=yes exec unshare --mount --propagation private "$0" "$suite"
fi
# shellcheck source=scripts/debian-root.sh
. scripts/debian-root.sh
# shellcheck source=scripts/card.sh
. scripts/card.sh

# What Raspberry Pi OS has too, and what the test looks with.
packages=(ca-certificates systemd-sysv udev dbus kmod linux-image-arm64 busybox-static python3 python3-venv python3-pip)
packages+=(procps e2fsprogs i2c-tools gpiod alsa-utils iproute2)
product=(coach display firmware sync systemd requirements pyproject.toml hatch_build.py)
changed_by() { sha256sum | cut -c -12; }
step() { sed -n "/^$1() {/,/^}/p" scripts/pi-image.sh; }

# --- Debian and its kernel; what the Pi's firmware does before the kernel --------------------------------------------

make_base() {
    local work=$cache/.base root kernel
    rm -rf "$cache"/base-"$suite"-* "$cache"/given-"$suite"-* "$cache"/machine-"$suite"-* "$work"
    mkdir -p "$work"
    root=$work/root
    say "a Debian $suite for arm64 with its kernel"
    write_sources "$suite" "$work/sources"
    # The kernel's own first file system would be made by programs that run emulated, for half an hour.
    # shellcheck disable=SC2016 # mmdebstrap's own $1
    mmdebstrap --quiet --architectures=arm64 --variant=minbase --include="$(IFS=, && echo "${packages[*]}")" \
        --essential-hook='chroot "$1" dpkg-divert --quiet --local --rename --add /usr/sbin/update-initramfs
            ln -s /bin/true "$1/usr/sbin/update-initramfs"' \
        "$suite" "$root" "$work/sources"
    kernel=$(basename "$root"/lib/modules/*)
    cp -L "$root/boot/vmlinuz-$kernel" "$work/vmlinuz"
    make_initrd "$root" "$kernel" "$work"
    # The firmware of a real Pi tells the kernel its model; gpiozero asks for it. The framebuffer is qemu's own.
    dtc -q -I dtb -O dts "$root/usr/lib/linux-image-$kernel/broadcom/bcm2837-rpi-3-b.dtb" >"$work/pi.dts"
    sed -i '0,/^\tchosen {/s//\tsystem {\n\t\tlinux,revision = <0xa02082>;\n\t\tlinux,serial = <0x0 0xc0ffee01>;\n\t};\n\n\tframebuffer@3c100000 {\n\t\tcompatible = "simple-framebuffer";\n\t\treg = <0x3c100000 0x96000>;\n\t\twidth = <640>;\n\t\theight = <480>;\n\t\tstride = <1280>;\n\t\tformat = "r5g6b5";\n\t};\n\n\tchosen {/' "$work/pi.dts"
    dtc -q -I dts -O dtb "$work/pi.dts" >"$work/pi.dtb"
    mv "$work" "$base"
}

make_initrd() { # ROOT KERNEL INTO
    local root=$1 kernel=$2 tree=$3/tree module modules=()
    mkdir -p "$tree/bin" "$tree/lib" "$tree/proc" "$tree/sys" "$tree/dev" "$tree/root"
    cp "$root/bin/busybox" "$tree/bin/"
    # The card's driver and its file system; udev loads all others.
    while read -r _ module; do
        cp "$module" "$tree/lib/"
        modules+=("$(basename "$module")")
    done < <(for module in crc32c_generic bcm2835 sdhci-iproc mmc_block ext4; do
        modprobe --dirname "$root" --set-version "$kernel" --show-depends "$module" 2>/dev/null | grep ^insmod || true
    done | awk '!seen[$2]++ { print $1, $2 }')
    cat >"$tree/init" <<END
#!/bin/busybox sh
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sys /sys
/bin/busybox mount -t devtmpfs dev /dev
for one in ${modules[*]}; do
    case \$one in *.xz) /bin/busybox xzcat /lib/\$one >/lib/now.ko ;; *) /bin/busybox cp /lib/\$one /lib/now.ko ;; esac
    /bin/busybox insmod /lib/now.ko || echo "initrd: \$one is not loaded"
done
until [ -b /dev/mmcblk0p2 ]; do /bin/busybox sleep 1; done
/bin/busybox mount -t ext4 -o rw /dev/mmcblk0p2 /root || exec /bin/busybox sh
/bin/busybox umount /proc /sys
exec /bin/busybox switch_root /root /sbin/init
END
    chmod +x "$tree/init"
    (cd "$tree" && find . -print0 | cpio --null --quiet --create --format=newc | gzip -1) >"$3/initrd"
    rm -rf "$tree"
}

# --- a card like Raspberry Pi OS's, with the packages that the installer will ask for ------------------------------------

make_given() {
    local work=$cache/.given
    rm -rf "$cache"/given-"$suite"-* "$cache"/machine-"$suite"-*
    umount "$work/root" 2>/dev/null || true
    rm -rf "$work"
    mkdir -p "$work/root" "$work/upper" "$work/scratch"
    mount -t overlay overlay -o "lowerdir=$base/root,upperdir=$work/upper,workdir=$work/scratch" "$work/root"
    say "the Pi's wheels"
    "$python" -m scripts.pi_wheels "$(chroot "$work/root" python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')" \
        "$work/root/srv/wheels"
    mkdir -p "$work/root/boot/firmware"
    : >"$work/root/etc/machine-id"
    if ls /usr/local/share/ca-certificates/*.crt >/dev/null 2>&1; then
        cp /usr/local/share/ca-certificates/*.crt "$work/root/usr/local/share/ca-certificates/"
        chroot "$work/root" update-ca-certificates >/dev/null 2>&1
    fi
    say "the card that the recipe is given"
    write_card "$work/root" "$work/given.img"
    umount "$work/root"
    rm -rf "$work/root" "$work/upper" "$work/scratch"
    mv "$work" "$given"
}

# --- the product, by its own recipe; and the test's hand -------------------------------------------------------------

make_machine() {
    local work=$cache/.machine began=$SECONDS
    rm -rf "$cache"/machine-"$suite"-* "$work"
    mkdir -p "$work/card"
    say "the project's own recipe"
    PIP_NO_INDEX=1 PIP_FIND_LINKS=/srv/wheels systemd/make-image.sh "$given/given.img" "$work/machine.img" 1500 >&2
    say "made in $((SECONDS - began)) s"
    mount -o "loop,offset=$(($(partition_start "$work/machine.img" 2) * 512))" "$work/machine.img" "$work/card"
    cp -r tests/raspberry_pi/image/. "$work/card/"
    cp tests/vm/inside/control.py "$work/card/opt/control.py"
    for unit in "$work"/card/etc/systemd/system/pi-*.service; do
        ln -s "../$(basename "$unit")" "$work/card/etc/systemd/system/multi-user.target.wants/"
    done
    umount "$work/card"
    rmdir "$work/card"
    # qemu wants a card of a size that is a power of two.
    truncate -s 4G "$work/machine.img"
    cp --reflink=auto "$base/vmlinuz" "$base/initrd" "$base/pi.dtb" "$work/"
    mv "$work" "$machine"
}

base=$cache/base-$suite-$({ printf '%s\n' "${packages[@]}" && step make_base && step make_initrd; } | changed_by)
[ -d "$base" ] || make_base
given=$cache/given-$suite-$({ echo "$base" && step make_given && cat scripts/card.sh requirements/device.txt requirements/build.txt; } | changed_by)
[ -d "$given" ] || make_given
machine=$cache/machine-$suite-$({ echo "$given" && step make_machine && git ls-files -s -- "${product[@]}" && cat tests/vm/inside/control.py && find tests/raspberry_pi/image -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum; } | changed_by)
[ -d "$machine" ] || make_machine
echo "$machine"
