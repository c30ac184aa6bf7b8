#!/usr/bin/env bash
# Makes this computer a machine beside a treadmill: Raspberry Pi OS Lite or Debian, Bookworm or Trixie, 64 bit.
#
#   sudo systemd/install.sh [--wheel FILE [--unverified]]
#                                              installs this checkout, or a built package, beside what is there, and
#                                              takes it in use; run again, it changes only what is not as it should be.
#                                              A package must have a valid signature (verify-release.sh), unless told
#                                              --unverified
#   sudo systemd/install.sh uninstall          takes all of it away but the diary, the settings and the plans
#
# It says what it did and what it left as it was. In a chroot, where no systemd runs, it does all but start services, and
# says what waits for the boot. Package sources, mirrors and proxies are those of the machine's own apt and pip.
set -euo pipefail

name=interval-coach
opt=${INTERVAL_COACH_VERSIONS:-/opt/$name}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
units=(interval-coach.target interval-coach-{coach,display,sync,trial}.service)
boot_lines=(dtparam=i2c_arm=on dtparam=audio=on dtparam=watchdog=on)
# The screen is the participant's from the boot on: messages go to tty3, where whoever looks after the machine finds them.
boot_words=('console=tty1>console=tty3' quiet loglevel=3 logo.nologo vt.global_cursor_default=0)
needed=(ca-certificates python3 python3-venv systemd udev dbus kmod bluez rfkill openssl openssh-client espeak-ng fonts-inter alsa-utils polkitd)
# Modules of Python that have no wheel for every Pi, and Debian's packages that have them. Their files are copied into the
# version, so that it stands by itself like all the others.
from_debian=(evdev=python3-evdev lgpio=python3-lgpio)

changes=0
waiting=()

head_line() { printf '%s\n' "$*"; }
did() {
    printf '  * %s\n' "$*"
    changes=$((changes + 1))
}
was() { printf '  - %s: as it was\n' "$*"; }
later() { waiting+=("$*"); }
refuse() {
    printf 'install: %s\n' "$*" >&2
    exit 1
}

systemd_runs() { [ -d /run/systemd/system ]; }
is_installed() { dpkg-query -W -f '${Status}' "$1" 2>/dev/null | grep -q 'ok installed'; }
boot_file() { # config.txt | cmdline.txt
    local file
    for file in "/boot/firmware/$1" "/boot/$1"; do
        # Bookworm leaves a note at the old place.
        if [ -f "$file" ] && ! grep -q 'has moved to' "$file"; then
            echo "$file"
            return
        fi
    done
}

# put_file SOURCE PLACE: copies where it differs; tells by its status whether it did.
put_file() {
    if cmp -s "$1" "$2"; then
        was "$2"
        return 1
    fi
    install -D -m 0644 "$1" "$2.new"
    mv -f "$2.new" "$2"
    did "wrote $2"
}

# put_link TARGET PLACE
put_link() {
    if [ "$(readlink "$2" || true)" = "$1" ]; then
        was "$2"
        return 1
    fi
    mkdir -p "$(dirname "$2")"
    ln -sfn "$1" "$2.new"
    mv -fT "$2.new" "$2"
    did "linked $2"
}

check_machine() {
    [ "$(id -u)" -eq 0 ] || refuse "only root can install. Run: sudo make install"
    case $(uname -m):$(getconf LONG_BIT) in
        x86_64:64 | aarch64:64) ;;
        *) refuse "this is $(uname -m), $(getconf LONG_BIT)-bit. Install the 64-bit Raspberry Pi OS (Raspberry Pi 3 or newer)." ;;
    esac
    command -v apt-get >/dev/null || refuse "this system has no apt; Raspberry Pi OS or Debian is needed."
    mkdir -p "$opt"
    exec 9>"$opt/.installing"
    flock -n 9 || refuse "another installation or upgrade runs on this machine. Wait until it has ended."
}

install_packages() {
    head_line "Packages of the system"
    local missing=() one
    for one in "${needed[@]}"; do is_installed "$one" || missing+=("$one"); done
    if ! { is_installed systemd-timesyncd || is_installed chrony || is_installed ntpsec || is_installed openntpd; }; then
        missing+=(systemd-timesyncd)
    fi
    if [ ${#missing[@]} -eq 0 ]; then
        was "all ${#needed[@]} packages"
        return
    fi
    apt_install "${missing[@]}" || refuse "apt could not install ${missing[*]}. Put right what apt says above, and run again."
    did "installed ${missing[*]}"
}

# A machine that has just started often updates itself. apt waits for the lock of its packages, not for that of its lists.
apt_update() {
    local tries=60 said
    until said=$(LC_ALL=C apt-get -qq update 2>&1); do
        if [[ $said != *"get lock"* ]] || ((--tries == 0)); then
            printf '%s\n' "$said"
            return 1
        fi
        sleep 10
    done
}

apt_install() { # PACKAGE …
    local log status=0
    log=$(mktemp)
    {
        apt_update &&
            DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o DPkg::Lock::Timeout=600 install --no-install-recommends "$@"
    } >"$log" 2>&1 </dev/null || status=$?
    [ "$status" -eq 0 ] || tail -n 20 "$log" >&2
    rm -f "$log"
    return "$status"
}

# --- the version -----------------------------------------------------------------------------------------------------

# What a version is made of, apart from the tests and the documents.
sources=(coach display firmware server sync systemd requirements/device.txt requirements/server.txt requirements/build.txt)
sources+=(pyproject.toml hatch_build.py README.md LICENSE)

# Files of the repository; what a build or a run has put beside them is made anew.
made_here() {
    find "$@" -type f ! -name '*.pyc' ! -name '*.mo' ! -path '*/__pycache__/*' ! -path '*/voices/*' \
        ! -path '*/static/web/vendor/*' ! -path '*/static/web/typeface/*' -print0
}

name_version() {
    local python hash number
    python=$(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    case $python in
        3.11 | 3.12 | 3.13 | 3.14) ;;
        *) refuse "this system's Python is $python; 3.11, 3.12, 3.13 or 3.14 is needed (Debian 12 or 13)." ;;
    esac
    if [ -n "$wheel" ]; then
        number=$(basename "$wheel" | cut -d - -f 2)
        hash=$({ echo "$python" && sha256sum <"$wheel"; } | sha256sum)
    else
        number=$(sed -n 's/^version = "\(.*\)"$/\1/p' "$checkout/pyproject.toml")
        hash=$(cd "$checkout" && { echo "$python" && made_here "${sources[@]}" | LC_ALL=C sort -z | xargs -0 sha256sum; } | sha256sum)
    fi
    version=$number-${hash:0:12}
    folder=$opt/versions/$version
}

install_locked() { # [PIP OPTION …] LOCK …
    "$here/locked-packages.sh" install "$folder/bin/python" --no-cache-dir "$@" ||
        refuse "the locked Python packages are not installed. Put right what pip says above, and run again."
}

build_wheel() { # INTO
    # A copy: nothing is written into somebody's checkout as root.
    mkdir -p "$1/source" "$1/tools"
    (cd "$checkout" && made_here "${sources[@]}" | tar --null --files-from=- -cf - | tar --no-same-owner -xf - -C "$1/source")
    install_locked --target "$1/tools" "$checkout/requirements/build.txt"
    PYTHONPATH=$1/tools "${pip[@]}" wheel --no-deps --no-build-isolation --wheel-dir "$1" "$1/source"
    wheel=$(echo "$1"/interval_coach-*.whl)
}

install_version() {
    head_line "Version $version"
    if [ -f "$folder/complete" ]; then
        was "$folder"
        return
    fi
    # Whatever a power cut left of it is begun anew.
    rm -rf "$folder"
    mkdir -p "$opt/versions"
    local work lock
    work=$(mktemp -d "$opt/.building.XXXXXX")
    # shellcheck disable=SC2064 # the folder's name now, not when the script ends
    trap "rm -rf '$work'" EXIT
    python3 -m venv "$folder"
    pip=("$folder/bin/python" -m pip -qq --no-input --disable-pip-version-check --no-cache-dir)
    if [ -n "$wheel" ]; then
        lock=$work/device.txt
        unzip_from_wheel 'share/interval-coach/device.txt' >"$lock"
    else
        lock=$checkout/requirements/device.txt
    fi
    install_locked "$lock"
    [ -n "$wheel" ] || build_wheel "$work"
    take_from_debian
    "${pip[@]}" install --no-deps --no-index "$wheel"
    "$folder/bin/$name" --version >/dev/null || refuse "the version that was installed in $folder does not run."
    # Everything is on the disk before anything says that it is whole.
    sync -f "$folder"
    touch "$folder/complete"
    sync "$folder/complete" "$folder"
    rm -rf "$work"
    trap - EXIT
    did "installed $folder"
}

has_module() { "$folder/bin/python" -I -c 'import sys, importlib.util as at; sys.exit(at.find_spec(sys.argv[1]) is None)' "$1"; }

take_from_debian() {
    local one module package file site
    site=$("$folder/bin/python" -I -c 'import sysconfig; print(sysconfig.get_path("platlib"))')
    for one in "${from_debian[@]}"; do
        module=${one%%=*} package=${one#*=}
        ! has_module "$module" || continue
        if ! is_installed "$package"; then
            if ! apt-cache show "$package" >/dev/null 2>&1; then
                # A Debian that is no Raspberry Pi's has no pins either.
                later "this system has no package $package, so what needs the module $module cannot be used"
                continue
            fi
            apt_install "$package" || refuse "apt could not install $package. Put right what apt says above, and run again."
            did "installed $package"
        fi
        while IFS= read -r file; do
            [ ! -f "/usr/lib/python3/dist-packages/$file" ] || install -D -m 0644 "/usr/lib/python3/dist-packages/$file" "$site/$file"
        done < <(dpkg -L "$package" | sed -n 's#^/usr/lib/python3/dist-packages/##p')
        has_module "$module" || refuse "Debian's package $package has no module $module for $("$folder/bin/python" --version)."
    done
}

unzip_from_wheel() { # ENDING
    python3 -I -c '
import sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as archive:
    [found] = [one for one in archive.namelist() if one.endswith(sys.argv[2])]
    sys.stdout.buffer.write(archive.read(found))' "$wheel" "$1"
}

# --- the system ------------------------------------------------------------------------------------------------------

install_settings() {
    head_line "Accounts, folders, rights, logs, watchdog"
    local share=$folder/share/$name/systemd file place changed=()
    while IFS= read -r file; do
        place=/etc/${file#"$share"/etc/}
        if put_file "$file" "$place"; then changed+=("$place"); fi
    done < <(find "$share/etc" -type f | LC_ALL=C sort)
    local account made=0
    for account in $name $name-display $name-sync; do getent passwd "$account" >/dev/null || made=1; done
    if [ "$made" = 1 ]; then
        SYSTEMD_LOG_LEVEL=warning systemd-sysusers "/etc/sysusers.d/$name.conf"
        did "made the accounts $name, $name-display, $name-sync and their group"
    else
        was "the accounts"
    fi
    local before
    before=$(folders_now)
    systemd-tmpfiles --create "/etc/tmpfiles.d/$name.conf"
    if [ "$before" = "$(folders_now)" ]; then was "the folders"; else did "made /var/lib/$name and /etc/$name"; fi
    if [ -e "/etc/$name/config.toml" ]; then
        was "/etc/$name/config.toml"
    else
        put_file "$share/config.toml" "/etc/$name/config.toml"
        laid_out=1
    fi
    [ ${#changed[@]} -eq 0 ] || take_up "${changed[@]}"
    follow_settings
}

# Rights, rules and services that the machine has only where the settings ask for them.
follow_settings() {
    local granted
    granted=$("$folder/bin/python" -I -m firmware.setup.optional_files "/etc/$name/config.toml")
    if [ -z "$granted" ]; then
        was "what the settings ask for"
        return
    fi
    did "$granted"
    if systemd_runs; then systemctl daemon-reload; fi
}

folders_now() { stat -c '%n %A %U %G' /var/lib/$name /var/lib/$name/identity /etc/$name /etc/$name/* /run/$name 2>/dev/null || true; }

# What has to be told of a changed file.
take_up() {
    if ! systemd_runs; then
        later "rights of devices, limits of the logs and the hardware watchdog hold from the boot on"
        return
    fi
    local one
    for one in "$@"; do
        case $one in
            *udev*) udevadm control --reload && udevadm trigger --subsystem-match=gpio --subsystem-match=i2c-dev --subsystem-match=input || true ;;
            *modules-load*) modprobe i2c-dev || later "i2c-dev is loaded at the boot" ;;
            *journald*) systemctl try-restart systemd-journald ;;
            *system.conf*) systemctl daemon-reexec ;;
        esac
    done
}

install_units() {
    head_line "Services"
    local unit linked=0
    for unit in "${units[@]}"; do
        put_link "$opt/current/share/$name/systemd/units/$unit" "/etc/systemd/system/$unit" && linked=1
    done
    for unit in interval-coach.target interval-coach-trial.service; do
        put_link "/etc/systemd/system/$unit" "/etc/systemd/system/multi-user.target.wants/$unit" && linked=1
    done
    # No log-in under the picture, and none in its place when it ends; Alt+F2 to Alt+F6 have theirs.
    put_link /dev/null /etc/systemd/system/getty@tty1.service && linked=1
    put_link "$opt/current/bin/$name" "/usr/local/bin/$name" || true
    if [ "$linked" = 1 ] && systemd_runs; then systemctl daemon-reload; fi
    for unit in bluetooth.service systemd-timesyncd.service; do
        [ -e "/lib/systemd/system/$unit" ] || continue
        if systemctl is-enabled --quiet "$unit" 2>/dev/null; then
            was "$unit"
        else
            systemctl enable --quiet "$unit" 2>/dev/null && did "enabled $unit"
        fi
    done
}

install_hardware() {
    head_line "The Raspberry Pi's hardware"
    local file added
    file=$(boot_file config.txt)
    if [ -z "$file" ]; then
        was "no Raspberry Pi: its config.txt"
    else
        added=$("$folder/share/$name/systemd/boot-config.sh" add "$file" "${boot_lines[@]}")
        if [ -z "$added" ]; then
            was "$file"
        else
            did "put into $file: $(tr '\n' ' ' <<<"$added")"
            later "$(basename "$file") is read at the boot: sudo reboot"
        fi
    fi
    file=$(boot_file cmdline.txt)
    if [ -n "$file" ]; then
        added=$("$folder/share/$name/systemd/boot-config.sh" add-words "$file" "${boot_words[@]}")
        if [ -z "$added" ]; then
            was "$file"
        else
            did "put into $file: $(tr '\n' ' ' <<<"$added")"
            later "the screen is dark until the picture comes from the next boot on; messages of the boot are on tty3"
        fi
    fi
    # In a chroot the radio is another computer's.
    if systemd_runs && [ -e /dev/rfkill ] && rfkill --output TYPE,SOFT --noheadings 2>/dev/null | grep -q '^bluetooth *blocked'; then
        rfkill unblock bluetooth
        did "unblocked Bluetooth"
    else
        was "Bluetooth, not blocked"
    fi
}

take_in_use() {
    head_line "In use"
    local steady current
    steady=$(basename "$(readlink "$opt/steady" || true)")
    current=$(basename "$(readlink "$opt/current" || true)")
    if [ "$current" = "$version" ]; then
        was "version $version"
    elif [ -z "$steady" ] || [ -z "$current" ]; then
        "$folder/bin/python" -I -m firmware.upgrade first "$version"
        did "version $version is in use"
    elif ! systemd_runs; then
        "$opt/steady/bin/python" -I -m firmware.upgrade stage "$version"
        did "version $version is on trial from the boot on"
        later "the version on trial is judged after the boot; if it does not come up, $steady runs again"
    else
        tried=1
    fi
}

start_services() {
    if [ "$tried" = 1 ]; then
        "$opt/steady/bin/python" -I -m firmware.upgrade try "$version" || refuse "version $version is not in use; the one before it runs."
        did "version $version is in use"
    elif ! systemd_runs; then
        later "the services start at the boot"
    elif systemctl is-active --quiet interval-coach.target && systemctl is-active --quiet "$name-coach.service"; then
        was "the services run"
    else
        systemctl start interval-coach.target
        did "started the services"
    fi
}

report() {
    echo
    if [ "$changes" -eq 0 ]; then
        head_line "Nothing had to be changed."
    else
        head_line "$changes things were changed. Run again, this changes nothing."
    fi
    [ ${#waiting[@]} -eq 0 ] || printf 'Waits: %s.\n' "${waiting[@]}"
    [ "$laid_out" = 0 ] || echo "Next: sudo $name setup"
}

verify_wheel() {
    [ -n "$wheel" ] && [ "$unverified" = 0 ] || return 0
    head_line "The package"
    "$here/verify-release.sh" "$wheel" || refuse "$(basename "$wheel") is not installed, since it is not verified." \
        "Nothing was changed but packages of the system. If you know where the file comes from, add --unverified."
}

install_all() {
    check_machine
    install_packages
    verify_wheel
    name_version
    install_version
    take_in_use
    install_settings
    install_units
    install_hardware
    start_services
    report
}

# --- taking it away --------------------------------------------------------------------------------------------------

uninstall_all() {
    check_machine
    local memory=/run/$name/diary-in-memory.db keep try
    if [ -e "$memory" ] && ! { try=$(mktemp -p "/var/lib/$name" .try-XXXXXX) && rm "$try"; } 2>/dev/null; then
        refuse "the card cannot be written, and $memory has sessions that may be nowhere else. Nothing was taken away. Let sync deliver them (sudo interval-coach doctor says how many wait), move that file to another place, and run this again."
    fi
    # It runs after its own file is gone: a full card has room for the sessions only then.
    keep=$(cat "$here/keep-sessions.sh")
    head_line "Taking $name away"
    if systemd_runs; then
        systemctl stop interval-coach.target "$name"-{coach,display,sync,trial,music}.service 2>/dev/null || true
    fi
    local unit file
    for unit in "${units[@]}"; do
        for file in "/etc/systemd/system/multi-user.target.wants/$unit" "/etc/systemd/system/$unit"; do
            [ ! -L "$file" ] || { rm -f "$file" && did "removed $file"; }
        done
    done
    # What settings asked for (firmware/setup/optional_files.py).
    for file in "systemd/system/$name-coach.service.d/ant.conf" "systemd/system/$name-display.service.d/music.conf" \
        "systemd/system/$name-music.service" "udev/rules.d/61-$name-music.rules" \
        "$name/pipewire/wireplumber/"{wireplumber.conf.d,main.lua.d,bluetooth.lua.d}"/50-$name."{conf,lua}; do
        file=/etc/$file
        if [ -e "$file" ]; then
            rm -f "$file" && did "removed $file"
            rmdir --ignore-fail-on-non-empty "$(dirname "$file")"
        fi
    done
    while IFS= read -r file; do
        file=/etc/${file#"$here"/etc/}
        [ ! -e "$file" ] || { rm -f "$file" && did "removed $file"; }
    done < <(find "$here/etc" -type f)
    file=$(boot_file config.txt)
    if [ -n "$file" ] && grep -q '^# begin interval-coach' "$file"; then
        "$here/boot-config.sh" remove "$file"
        did "took our lines out of $file"
    fi
    file=$(boot_file cmdline.txt)
    if [ -n "$file" ] && [ -n "$("$here/boot-config.sh" remove-words "$file" "${boot_words[@]}")" ]; then
        did "took our words out of $file"
    fi
    file=/etc/systemd/system/getty@tty1.service
    if [ "$(readlink "$file" || true)" = /dev/null ]; then
        rm -f "$file"
        did "gave tty1 its log-in back"
    fi
    [ ! -L "/usr/local/bin/$name" ] || { rm -f "/usr/local/bin/$name" && did "removed /usr/local/bin/$name"; }
    if [ -d "$opt/versions" ]; then
        rm -rf "$opt"
        did "removed $opt"
    else
        rm -rf "$opt"
    fi
    if systemd_runs; then systemctl daemon-reload; fi
    if ! file=$(bash -c "$keep" keep-sessions "/run/$name" "/var/lib/$name"); then
        refuse "all but the sessions in memory was taken away: they could not be copied to the card. Copy $memory* to another place before this machine is switched off."
    fi
    rm -rf "/run/$name"
    [ -z "$file" ] || did "copied the sessions that were in memory to $file; an installed coach brings them into the diary"
    echo
    [ "$changes" -gt 0 ] || head_line "Nothing was installed."
    echo "Left as they were: the diary and the key in /var/lib/$name, the settings and plans in /etc/$name, the accounts"
    echo "that own them, and the packages of the system. To remove the diary: rm -r /var/lib/$name /var/backups/$name"
}

wheel='' unverified=0 tried=0 laid_out=0
checkout=$(dirname "$here")
case ${1:-install} in
    install | --wheel) ;;
    uninstall)
        uninstall_all
        exit 0
        ;;
    *)
        sed -n '2,13p' "$0" >&2
        exit 2
        ;;
esac
[ "${1:-}" != install ] || shift
if [ "${1:-}" = --wheel ]; then
    [ -f "${2:-}" ] || refuse "--wheel needs the file of a built package."
    wheel=$(realpath "$2")
    case ${3:-} in
        '') ;;
        --unverified) unverified=1 ;;
        *) refuse "«$3» is not known. After the file comes --unverified, or nothing." ;;
    esac
elif [ ! -f "$checkout/pyproject.toml" ]; then
    refuse "this is no checkout of $name; name a built package: --wheel FILE"
fi
install_all
