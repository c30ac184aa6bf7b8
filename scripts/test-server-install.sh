#!/usr/bin/env bash
# Makes a server from docs/operations.md alone: a minimal Debian boots in a container, the document's commands are run word by
# word, and a machine enrols over TLS and hands a session over. Then an upgrade, a rollback, and the removal.
# Needs root, mmdebstrap, systemd-nspawn and the network; this computer's own /opt, /srv and /etc are not touched.
#
#   scripts/test-server-install.sh [bookworm|trixie] [wheel|archive]    some minutes; prints each figure with its target
#
# Packages come from where this computer's own apt and pip get theirs. Folders that these need in turn: LEND="/some/folder".
set -euo pipefail

suite=${1:-bookworm}
way=${2:-wheel}
longest_s=600
most_commands=12
cd "$(dirname "$0")/.."

# shellcheck source=scripts/own-mounts.sh
. scripts/own-mounts.sh

[ "$(id -u)" -eq 0 ] || skip "only root can make a Debian in a folder. Run: sudo make test-server-install"
for program in mmdebstrap systemd-nspawn nsenter; do
    command -v "$program" >/dev/null || skip "$program is missing: apt-get install mmdebstrap systemd-container util-linux"
done

with_own_mounts "$suite" "$way"
root=$work/root
sources=$work/sources
# shellcheck source=scripts/debian-root.sh
. scripts/debian-root.sh
# shellcheck source=scripts/booted-root.sh
. scripts/booted-root.sh
trap cut_power EXIT
write_sources "$suite" "$sources"

# documented NAME: the commands between «<!-- NAME -->» and the end of the block in docs/operations.md.
documented() { sed -n "/^<!-- $1 -->\$/,/^[^ ]/{s/^    //p}" docs/operations.md | grep -v '^#' | sed '/^$/d'; }

say "the package"
python=.venv/bin/python
[ -x "$python" ] || python=python3
"$python" -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir "$work" .
wheel=$(basename "$work"/interval_coach-*.whl)
version=${wheel#interval_coach-}
version=${version%%-*}

say "a minimal Debian $suite"
mmdebstrap --quiet --variant=minbase --include=ca-certificates,systemd-sysv,dbus "$suite" "$root" "$sources"
if [ "$way" = archive ]; then
    short=3.11
    [ "$suite" = bookworm ] || short=3.13
    "$python" scripts/server_archive.py --wheel "$work/$wheel" --python "$short" --out "$work"
    cp "$work"/interval-coach-server-*.tar.gz* "$root/root/"
else
    cp "$work/$wheel" "$root/root/"
fi
lend
boot || skip "no container can run here"
# The network is this computer's: the server listens on ports that are free there, and nothing else is asked for.

say "the documented commands ($way)"
mapfile -t commands < <(documented "$way" | sed "s/\bVERSION\b/$version/g; s/coach\.example\.no/localhost/g")
printf '  %s\n' "${commands[@]}"
[ "${#commands[@]}" -gt 3 ] || fail "docs/operations.md has no commands for «$way»"
begin=$SECONDS
for command in "${commands[@]}"; do
    booted sh -ec "cd /root; $command" 2>&1 | tee -a "$work/log" || {
        booted journalctl -u 'interval-coach-server@*' -n 30 --no-pager >&2
        fail "«$command» failed"
    }
done
took=$((SECONDS - begin))
echo "server: from nothing to a page that answers: $took s (target ≤ $longest_s s), ${#commands[@]} commands (target ≤ $most_commands)"
[ "$took" -le "$longest_s" ] || fail "it took $took s"
[ "${#commands[@]}" -le "$most_commands" ] || fail "${#commands[@]} commands"
booted interval-coach-server health --wait 60

say "the services"
until_booted 60 'systemctl is-active interval-coach-server@broker interval-coach-server@enrol-service interval-coach-server@collect interval-coach-server@web' ||
    fail "$(booted systemctl --no-pager --failed; booted journalctl -u 'interval-coach-server@*' -n 40 --no-pager)"
booted systemctl show -p Type,StatusText,LimitNOFILE interval-coach-server@web | tee "$work/show"
grep -q '^Type=notify$' "$work/show" || fail "the pages do not tell systemd that they are ready"
booted systemd-analyze security --no-pager interval-coach-server@web | tail -n 1
booted systemctl start interval-coach-server-backup.service
booted sh -c 'ls /srv/interval-coach/backups/*.tar' || fail "there is no backup"

say "a machine trains, enrols over TLS, and hands its session over"
coach=.venv/bin/interval-coach
"$coach" demo --speed 120 --headless --no-sound --no-server --output "$work/machine" </dev/null >"$work/machine.log" 2>&1 ||
    fail "$(tail -n 5 "$work/machine.log")"
code=$(grep -oE '^ +[A-Z0-9]+(-[A-Z0-9]+)+$' "$work/log" | tail -n 1 | tr -d ' ')
[ -n "$code" ] || fail "no one-time code was printed"
echo "$code" | "$coach" enrol --server localhost --identity "$work/identity"
"$coach" coach --diary "$work/machine/diary.db" --socket "$work/coach.sock" >"$work/coach.log" 2>&1 &
services=($!)
"$coach" sync --socket "$work/coach.sock" --identity "$work/identity" --server-is-here >"$work/sync.log" 2>&1 &
services+=($!)
stored() { booted interval-coach-server sessions | grep -c 'machine-1' || true; }
begin=$SECONDS
until [ "$(stored)" -ge 1 ]; do
    [ $((SECONDS - begin)) -lt 120 ] || { tail -n 5 "$work/coach.log" "$work/sync.log" >&2; fail "no session came within 120 s"; }
    sleep 1
done
kill "${services[@]}"
wait "${services[@]}" 2>/dev/null || true
booted interval-coach-server sessions
booted interval-coach-server machines
booted interval-coach-server revoke machine-1
booted systemctl is-active --quiet interval-coach-server@broker || fail "the broker did not outlive a revocation"

# made VERSION [SHELL]: a package of another version, after a change to its sources.
made() {
    local sources=$work/sources-$1
    mkdir "$sources"
    git archive --format=tar HEAD | tar -xf - -C "$sources"
    cp -a server/web/static/web/. "$sources/server/web/static/web/"
    sed -i "s/^version = .*/version = \"$1\"/" "$sources/pyproject.toml"
    (cd "$sources" && eval "${2:-true}")
    "$python" -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir "$work" "$sources"
    cp "$work/interval_coach-$1-py3-none-any.whl" "$root/opt/"
}
in_use() { booted readlink /opt/interval-coach-server/current; }
# refused WORDS: what the upgrade that failed said, so that it failed for the reason that is tried.
refused() { grep -qF "$1" "$work/upgrade" || fail "it said something else than «$1»"; }
upgrade() { booted interval-coach-server upgrade "/opt/interval_coach-$1-py3-none-any.whl" --unverified 2>&1 | tee "$work/upgrade"; }
first=$(in_use)

say "a package that nobody signed is refused"
made 0.9.0
if booted interval-coach-server upgrade /opt/interval_coach-0.9.0-py3-none-any.whl; then fail "an unsigned package was taken"; fi
[ "$(in_use)" = "$first" ] || fail "$(in_use) is in use"

say "an upgrade whose migration fails on the copy touches nothing"
made 0.9.1 'printf "import nowhere\n" >server/migrations/0999_broken.py'
if upgrade 0.9.1; then fail "a broken migration was taken"; fi
refused 'migrate failed'
[ "$(in_use)" = "$first" ] || fail "$(in_use) is in use"
booted interval-coach-server health

say "an upgrade that does not answer goes back by itself"
made 0.9.2 'sed -i "1a raise SystemExit(1)" server/asgi.py'
begin=$SECONDS
if upgrade 0.9.2; then fail "pages that do not answer were taken"; fi
refused 'does not run:'
echo "server: from a failed upgrade back to pages that answer: $((SECONDS - begin)) s"
[ "$(in_use)" = "$first" ] || fail "$(in_use) is in use"
booted interval-coach-server health
[ "$(stored)" -ge 1 ] || fail "the session is gone"

say "an upgrade, and the way back"
made 0.9.3
begin=$SECONDS
upgrade 0.9.3
echo "server: an upgrade took $((SECONDS - begin)) s"
[ "$(in_use)" = 0.9.3-1 ] || fail "$(in_use) is in use"
booted interval-coach-server health
if booted interval-coach-server rollback; then fail "a rollback went ahead without --yes"; fi
booted interval-coach-server rollback --yes
[ "$(in_use)" = "$first" ] || fail "$(in_use) is in use"
booted interval-coach-server health
[ "$(stored)" -ge 1 ] || fail "the session is gone"

say "the removal leaves the data"
booted interval-coach-server uninstall
[ -z "$(find "$root/etc/systemd" -name 'interval-coach-server*')" ] || fail "units are left"
[ -s "$root/srv/interval-coach/diary.sqlite3" ] || fail "the data are gone"
say "the server: installed, filled, upgraded, taken back, removed"
