#!/usr/bin/env bash
# Makes this checkout ready: system packages, .venv, the locked Python packages, the project itself.
#
#   scripts/set-up.sh [dev|demo|desk|device|server]    which lock of requirements/ to install; dev holds all the others,
#                                                      demo is desk and server together
#
# Runs again at once when nothing changed. Package sources, mirrors and proxies are those that the machine's own apt and
# pip are configured with. PYTHON=/path/to/python3.12 chooses the interpreter.
set -euo pipefail

cd "$(dirname "$0")/.."
here=$PWD
lock=${1:-dev}

say() { printf 'set-up: %s\n' "$*" >&2; }
refuse() {
    say "$@"
    exit 1
}

case $lock in
    dev | desk | device | server) locks=("$lock") ;;
    demo) locks=(desk server) ;;
    *) refuse "there is no lock «$lock». Choose dev, demo, desk, device or server." ;;
esac

# Two set-ups at a time would write the same .venv: the second one waits.
exec 9<"$0"
flock 9

# Every package comes as a wheel, for 64-bit x86 and ARM: nothing is compiled here, and no build script is downloaded.
case $(uname -m):$(getconf LONG_BIT) in
    x86_64:64 | aarch64:64) ;;
    *) refuse "this is $(uname -m), $(getconf LONG_BIT)-bit. interval-coach runs on 64-bit x86 and 64-bit ARM:" \
        "on a Raspberry Pi 3 or newer, install the 64-bit Raspberry Pi OS." ;;
esac

# What the installation depends on. A change in any of these installs again.
key() {
    local files=("requirements/$1.txt")
    [ "$1" != demo ] || files=(requirements/desk.txt requirements/server.txt)
    {
        printf '%s\n' "$here" "$1"
        cat "${files[@]}" requirements/build.txt requirements/web.txt pyproject.toml hatch_build.py package-lock.json
        cat server/web/asset_build.py 2>/dev/null || true
        cat display/sound/*.py display/phrases/*.toml 2>/dev/null || true
    } | sha256sum | cut -d ' ' -f 1
}

voice_is_built() {
    [ "$lock" = server ] || [ ! -e display/sound/voice_command.py ] || ! command -v espeak-ng >/dev/null || [ -d display/voices/nb ]
}

# The web pages belong to every lock with a server in it.
has_pages() { [ "$lock" != desk ] && [ "$lock" != device ]; }

pages_are_built() {
    ! has_pages || [ ! -e server/web/asset_build.py ] || [ -d server/web/static/web/vendor ]
}

# A catalogue that was changed is compiled again, without another installation.
compile_catalogues() {
    if has_pages && [ -e server/web/asset_build.py ]; then
        .venv/bin/python -m server.web.asset_build catalogues >/dev/null || say "the pages' catalogues are not compiled."
    fi
}

is_installed() {
    [ -x .venv/bin/python ] && [ "$(cat ".venv/.set-up-$1" 2>/dev/null)" = "$(key "$1")" ] && voice_is_built &&
        pages_are_built
}

if is_installed "$lock" || is_installed dev; then
    compile_catalogues
    exit 0
fi

# --- system packages -------------------------------------------------------------------------------------------------

# The Pythons for which every locked package has a wheel; `make lock` asks for each.
usable() {
    "$1" -c 'import ensurepip, sys, venv; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))' 2>/dev/null
}

find_python() {
    local candidate
    for candidate in ${PYTHON:-} python3 python3.14 python3.13 python3.12 python3.11 /usr/bin/python3; do
        if command -v "$candidate" >/dev/null && usable "$candidate"; then
            command -v "$candidate"
            return
        fi
    done
}

package_is_there() { dpkg-query -W -f '${Status}' "$1" 2>/dev/null | grep -q 'ok installed'; }

if [ -n "${PYTHON:-}" ] && ! usable "$PYTHON"; then
    refuse "PYTHON=$PYTHON is no Python 3.11, 3.12, 3.13 or 3.14 with venv. Name another, or leave PYTHON out."
fi

missing=()
[ -n "$(find_python)" ] || missing+=(python3 python3-venv)
if [ "$lock" != server ]; then
    command -v espeak-ng >/dev/null || missing+=(espeak-ng)
fi
if command -v dpkg-query >/dev/null; then
    package_is_there fonts-inter || missing+=(fonts-inter)
    if has_pages; then
        # What weasyprint sets the papers with.
        for one in libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0; do
            package_is_there "$one" || missing+=("$one")
        done
    fi
fi
if [ "$lock" = dev ] || [ "$lock" = demo ]; then
    # Delivery is shown and tested with a real broker, which the demo and the tests start themselves, on free ports.
    PATH=$PATH:/usr/sbin command -v mosquitto >/dev/null || missing+=(mosquitto)
fi
if [ "$lock" = dev ]; then
    # The tests look at the pages in a real browser, keep them in a real PostgreSQL, and put real proxies before them.
    command -v chromium >/dev/null || missing+=(chromium)
    compgen -G "/usr/lib/postgresql/*/bin/initdb" >/dev/null || missing+=(postgresql)
    PATH=$PATH:/usr/sbin command -v nginx >/dev/null || missing+=(nginx-light)
    command -v caddy >/dev/null || missing+=(caddy)
    # Prometheus' own checker reads the server's alerting rules.
    command -v promtool >/dev/null || missing+=(prometheus)
    command -v pdftotext >/dev/null || missing+=(poppler-utils)
    # Texts are proof-read by a spelling program; gettext and age read, as other programs, what this one wrote.
    command -v hunspell >/dev/null || missing+=(hunspell)
    [ -e /usr/share/hunspell/nb_NO.dic ] || missing+=(hunspell-no)
    [ -e /usr/share/hunspell/en_GB.dic ] || missing+=(hunspell-en-gb)
    command -v msgfmt >/dev/null || missing+=(gettext)
    command -v age >/dev/null || missing+=(age)
    # The strap is tested with a D-Bus daemon of the tests' own.
    command -v dbus-daemon >/dev/null || missing+=(dbus-daemon)
fi
if [ "$lock" != desk ] && [ "$lock" != server ]; then
    command -v openssl >/dev/null || missing+=(openssl)
fi

if [ ${#missing[@]} -gt 0 ]; then
    if ! scripts/packages.sh "${missing[@]}"; then
        [ -n "$(find_python)" ] || refuse "Python 3.11, 3.12, 3.13 or 3.14 with venv is needed, and was not found."
        say "going on without: the coach then gives text and tones, in another font; without mosquitto the demo's session" \
            "stays in the diary, tests that need a missing program are skipped, and the server prints no PDF without pango."
    fi
    if [ -d /run/systemd/system ]; then
        # With these packages Debian starts a service for the whole machine; nobody asked for that one.
        as_root=()
        [ "$(id -u)" -eq 0 ] || as_root=(sudo -n)
        for one in mosquitto postgresql nginx-light caddy prometheus; do
            [[ " ${missing[*]} " == *" $one "* ]] || continue
            "${as_root[@]}" systemctl disable --now "${one%-light}" >/dev/null 2>&1 ||
                say "Debian's own ${one%-light} may be running now; «systemctl disable --now ${one%-light}» ends it."
        done
    fi
fi

python=$(find_python)
[ -n "$python" ] || refuse "Python 3.11, 3.12, 3.13 or 3.14 with venv is needed; this system's python3 is" \
    "$(python3 --version 2>/dev/null || echo missing). Install one of these and run again, or name it: PYTHON=/path/to/python3.12"

# --- Python packages -------------------------------------------------------------------------------------------------

# A virtual environment that was copied or moved still points to its old place.
place=$(cat .venv/.place 2>/dev/null || echo "$here")
if ! .venv/bin/python -m pip --version >/dev/null 2>&1 || [ "$place" != "$here" ]; then
    say "making .venv with $("$python" --version)"
    "$python" -m venv --clear .venv
fi
printf '%s\n' "$here" >.venv/.place

say "installing the locked Python packages ($lock); the first time takes a minute or two"
named=(requirements/build.txt)
for one in "${locks[@]}"; do named+=("requirements/$one.txt"); done
if has_pages; then named+=(requirements/web.txt); fi
systemd/locked-packages.sh install .venv/bin/python "${named[@]}" ||
    refuse "the locked Python packages are not installed. Put right what pip says above, and run again."
.venv/bin/python -m pip -qq --no-input --disable-pip-version-check install --no-deps --no-build-isolation --editable . ||
    refuse "interval-coach itself is not installed. Put right what pip says above, and run again."

if [ "$lock" != server ] && [ ! -d display/voices/nb ]; then
    say "no voice pack was built, so the coach gives text and tones. «make voices» says why; it needs espeak-ng."
fi

if has_pages && ! pages_are_built; then
    say "the web pages' scripts could not be built. «.venv/bin/python -m server.web.asset_build» says why."
fi
if [ "$lock" = dev ] && [ -e server/web/asset_build.py ]; then
    .venv/bin/python -m server.web.asset_build test-scripts >/dev/null ||
        say "the browser tests' scripts could not be fetched; tests that need them are skipped."
fi
compile_catalogues

key "$lock" >".venv/.set-up-$lock"
say "ready"
