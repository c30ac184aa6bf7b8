# Sourced by what makes a Debian in a folder: where its packages come from, and how a program is run inside.
# shellcheck shell=bash
#
# Packages come from where this computer's own apt and pip get theirs: its configuration, and the folders that it names,
# are lent for the time of the work. Folders that these need in turn: LEND="/some/folder /another". Whoever sources this
# sits in a mount namespace of its own, so that all mounts end with it.

# write_sources SUITE FILE
write_sources() {
    find /etc/apt/sources.list /etc/apt/sources.list.d -type f \( -name '*.sources' -o -name '*.list' \) -print0 2>/dev/null |
        xargs -0 grep -lE 'debian\.sources|[/.]debian|URIs:.*/debian' | head -n 1 | xargs cat >"$2" || true
    if [ ! -s "$2" ]; then
        echo "This computer's own apt names no Debian, so there is nowhere to take a Debian $1 from." >&2
        return 1
    fi
    local here
    here=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
    [ "$here" = "$1" ] || sed -i "s/\b$here\b/$1/g; s/\b$here-/$1-/g" "$2"
}

lent=()
own=(HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8)
# inside PROGRAM …: runs it in the folder that «root» names.
inside() { chroot "${root:?}" env -i "${own[@]}" "${lent[@]}" "$@"; }

# Mounts what programs need, and lends pip's and npm's configuration, what it names on this disk, and the authorities that this
# computer trusts.
lend() {
    mount -t tmpfs tmpfs "$root/run"
    mount -t tmpfs tmpfs "$root/tmp"
    mount -t proc proc "$root/proc"
    cp -L /etc/resolv.conf /etc/hosts "$root/etc/"
    mapfile -t lent < <(env | grep -E '^(PIP_|npm_config_|NODE_EXTRA_CA_CERTS=|https?_proxy=|HTTPS?_PROXY=|no_proxy=|NO_PROXY=)' || true)
    mkdir -p "$root/root/.config/pip"
    [ ! -f /etc/pip.conf ] || cp /etc/pip.conf "$root/etc/pip.conf"
    [ ! -f "$HOME/.config/pip/pip.conf" ] || cp "$HOME/.config/pip/pip.conf" "$root/root/.config/pip/pip.conf"
    if ls /usr/local/share/ca-certificates/*.crt >/dev/null 2>&1; then
        cp /usr/local/share/ca-certificates/*.crt "$root/usr/local/share/ca-certificates/"
        inside update-ca-certificates >/dev/null 2>&1
    fi
    local folder
    for folder in $({ printf '%s\n' "${lent[@]}" && cat "$root/etc/pip.conf" "$root/root/.config/pip/pip.conf" 2>/dev/null; printf '%s\n' "${LEND:-}" | tr ' ' '\n' | sed 's/^/=/'; } | grep -oE '(file://|= *|=)/[^ ,]+' | sed -E 's#^(file://|= *)##' | sort -u); do
        if [ -d "$folder" ]; then
            mkdir -p "$root$folder"
            mount --bind -o ro "$folder" "$root$folder"
        fi
    done
}

# Unmounts all that was lent: from now on the folder holds its own files alone, and may be copied or removed.
take_back() {
    local mounted
    awk -v root="${root:?}/" 'index($5, root) == 1 { print $5 }' /proc/self/mountinfo | LC_ALL=C sort -r |
        while IFS= read -r mounted; do umount "$mounted"; done
    ! grep -qF " $root/" /proc/self/mountinfo
}
