# Sourced by what boots a Debian that stands in a folder: its own systemd, in a container on this computer's kernel and
# network, with the units' watchdogs and sandboxes in force (but no terminal, no Bluetooth and no pins).
# shellcheck shell=bash
#
# Needs «root», «own» and «lent» of scripts/debian-root.sh, and systemd-nspawn. Whoever sources this says
# «trap cut_power EXIT».

longest_boot_s=180
container='' init=''

# boot: gives 1 where no container can run here; its console is in «work».
boot() {
    local folder
    # The container makes its own; what is mounted already it would leave, and show this computer's processes.
    for folder in run tmp proc; do ! mountpoint -q "${root:?}/$folder" || umount --recursive "$root/$folder"; done
    systemd-nspawn --quiet --register=no --keep-unit --directory="${root:?}" --boot --console=pipe --resolv-conf=off \
        --link-journal=no </dev/null >"${work:?}/console" 2>&1 &
    container=$!
    local begin=$SECONDS
    until init=$(pgrep -P "$container") && booted systemctl is-system-running 2>/dev/null | grep -qE 'running|degraded'; do
        if ! kill -0 "$container" 2>/dev/null || [ $((SECONDS - begin)) -gt $longest_boot_s ]; then
            tail -n 20 "$work/console" >&2
            cut_power
            return 1
        fi
        sleep 0.5
    done
}

# booted PROGRAM …: runs it on the machine that was booted.
# shellcheck disable=SC2154 # as said above
booted() { nsenter --target "$init" --mount --uts --ipc --net --pid --cgroup --root --wd -- env -i "${own[@]}" "${lent[@]}" "$@"; }

# until_booted SECONDS SHELL: waits until it is true on the machine.
until_booted() {
    local begin=$SECONDS
    until booted sh -c "$2" >/dev/null 2>&1; do
        [ $((SECONDS - begin)) -le "$1" ] || return 1
        sleep 0.5
    done
}

# Everything that runs on it ends at once, as when somebody pulls the plug; what was written stays with this kernel.
cut_power() {
    [ -z "$init" ] || kill -s KILL "$init" 2>/dev/null || true
    [ -z "$container" ] || { kill -s KILL "$container" 2>/dev/null && wait "$container" 2>/dev/null; } || true
    init='' container=''
}

switch_off() {
    kill "$container"
    wait "$container" || true
    init='' container=''
}
