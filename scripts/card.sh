# Sourced by what makes SD cards: an image laid out like Raspberry Pi OS's, from a Debian in a folder.
# shellcheck shell=bash

# partition_start IMAGE NUMBER: the sector at which a partition begins
partition_start() { sfdisk --dump "$1" | sed -nE "s/^.*img$2 : start= *([0-9]+),.*/\1/p"; }

# write_card ROOT IMAGE: a partition of FAT (ext4 where this kernel has none) with config.txt and cmdline.txt, and the system
write_card() {
    local root=$1 image=$2 parts system_mb
    parts=$(mktemp -d "$(dirname "$image")/parts.XXXXXX")
    mkdir "$parts/boot"
    printf '[all]\n' >"$parts/boot/config.txt"
    echo 'console=serial0,115200 console=tty1 root=PARTUUID=1-02 rootfstype=ext4 rootwait' >"$parts/boot/cmdline.txt"
    if modprobe -q vfat 2>/dev/null || grep -qw vfat /proc/filesystems; then
        mkfs.vfat -C "$parts/boot.part" $((64 * 1024)) >/dev/null
        mcopy -i "$parts/boot.part" "$parts/boot/config.txt" "$parts/boot/cmdline.txt" ::/
    else
        echo "this kernel has no FAT; the boot partition is ext4 here" >&2
        truncate -s 64M "$parts/boot.part"
        mke2fs -q -t ext4 -d "$parts/boot" "$parts/boot.part"
    fi
    system_mb=$(($(du -sxm "$root" | cut -f 1) * 13 / 10 + 300))
    truncate -s "${system_mb}M" "$parts/system.ext4"
    mke2fs -q -t ext4 -d "$root" "$parts/system.ext4"
    truncate -s "$((system_mb + 80))M" "$image"
    printf '8192,64M,c\n139264,,L\n' | sfdisk --quiet "$image"
    dd if="$parts/boot.part" of="$image" bs=512 seek=8192 conv=notrunc,sparse status=none
    dd if="$parts/system.ext4" of="$image" bs=512 seek="$(partition_start "$image" 2)" conv=notrunc,sparse status=none
    rm -rf "$parts"
}
