#!/bin/sh
# Installs the server from its self-contained archive, without a package index:
#
#   ./install.sh --clinic NAME --host HOST [further words of «interval-coach-server install»]
set -eu

here=$(cd "$(dirname "$0")" && pwd)
refuse() {
    echo "install: $*" >&2
    exit 1
}

[ "$(id -u)" -eq 0 ] || refuse "only root may install services. Run it with sudo."
(cd "$here" && sha256sum --check --quiet SHA256SUMS) || refuse "the archive is damaged. Fetch it again; nothing was changed."
python=$(command -v python3) || refuse "python3 is missing. Debian: apt-get install python3-venv"
"$python" -c 'import ensurepip, venv' 2>/dev/null || refuse "python3 has no venv. Debian: apt-get install python3-venv"
short=$("$python" -c 'import sys; print("cp%d%d" % sys.version_info[:2])')
ls "$here"/wheels/numpy-*-"$short"-*.whl >/dev/null 2>&1 ||
    refuse "this archive holds no packages for $("$python" --version) on $(uname -m). Make one with scripts/server_archive.py --python."

wheel=$(ls "$here"/interval_coach-*.whl)
version=$(basename "$wheel" | cut -d - -f 2)
place=/opt/interval-coach-server/$version
[ -x "$place/bin/pip" ] || "$python" -m venv "$place"
"$place/bin/pip" --quiet --disable-pip-version-check install --no-index --find-links "$here/wheels" --no-deps --require-hashes \
    -r "$here/server.txt"
"$place/bin/pip" --quiet --disable-pip-version-check install --no-index --no-deps "$wheel"
exec "$place/bin/interval-coach-server" install "$@"
