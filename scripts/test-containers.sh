#!/usr/bin/env bash
# Builds the server's image from its self-contained archive, starts its containers with a PostgreSQL, and asks for the page.
# Needs root, mmdebstrap, buildah, podman, runc and PostgreSQL; compose.yaml is linted by docker-compose where it is there.
#
#   scripts/test-containers.sh    some minutes
#
# No registry is asked: the base image is a minimal Debian made here, and PostgreSQL is this computer's own program. Where
# podman may not make network namespaces, the containers use this computer's network, as the script says at its end.
set -euo pipefail

cd "$(dirname "$0")/.."

# shellcheck source=scripts/own-mounts.sh
. scripts/own-mounts.sh

[ "$(id -u)" -eq 0 ] || skip "only root can make a Debian in a folder"
for program in mmdebstrap buildah podman runc; do
    command -v "$program" >/dev/null || skip "$program is missing: apt-get install mmdebstrap buildah podman runc"
done
postgres=$(find /usr/lib/postgresql -maxdepth 2 -name bin 2>/dev/null | sort | tail -n 1)
[ -n "$postgres" ] || skip "PostgreSQL is missing: apt-get install postgresql"

with_own_mounts "$@"
# shellcheck source=scripts/debian-root.sh
. scripts/debian-root.sh
python=.venv/bin/python
tag=interval-coach-server-test:$$
clinic=$work/clinic
names=()
clean_up() {
    [ ${#names[@]} -eq 0 ] || podman rm --force "${names[@]}" >/dev/null 2>&1 || true
    [ ! -f "$work/postgres/postmaster.pid" ] || setpriv --reuid=postgres --regid=postgres --clear-groups "$postgres/pg_ctl" -D "$work/postgres" -m fast stop >/dev/null
    podman rmi --force "$tag" "localhost/debian-$$:12-slim" >/dev/null 2>&1 || true
}
trap clean_up EXIT

say "compose.yaml"
if command -v docker-compose >/dev/null; then
    INTERVAL_COACH_CLINIC=oslo INTERVAL_COACH_HOST=localhost POSTGRES_PASSWORD=x \
        docker-compose --file server/installation/container/compose.yaml config --quiet
    echo "docker-compose finds no fault"
else
    echo "not linted: docker-compose is missing"
fi

say "the archive"
"$python" -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir "$work" .
"$python" scripts/server_archive.py --wheel "$work"/interval_coach-*.whl --python 3.11 --out "$work"
(cd "$work" && sha256sum --check ./*.sha256 && tar -xzf interval-coach-server-*.tar.gz)
folder=$(ls -d "$work"/interval-coach-server-*/)

say "the image"
write_sources bookworm "$work/sources"
mmdebstrap --quiet --variant=minbase --include=ca-certificates bookworm "$work/base.tar" "$work/sources"
podman import --quiet "$work/base.tar" "localhost/debian-$$:12-slim" >/dev/null
rm "$work/base.tar"
sed "s#^FROM .*#FROM localhost/debian-$$:12-slim#" "$folder/Containerfile" >"$work/Containerfile"
begin=$SECONDS
buildah bud --quiet --isolation chroot --network host --tag "$tag" --file "$work/Containerfile" "$folder" >/dev/null
echo "containers: the image was built in $((SECONDS - begin)) s"

say "PostgreSQL"
install -d -o postgres -g postgres -m 0700 "$work/postgres" "$work/socket"
chmod 0711 "$work"
as_postgres() { setpriv --reuid=postgres --regid=postgres --clear-groups env HOME=/tmp "$@"; }
printf 'secret\n' >"$work/password"
chmod 0644 "$work/password"
as_postgres "$postgres/initdb" --auth=scram-sha-256 --username=interval-coach --pwfile="$work/password" -D "$work/postgres" >/dev/null
port=$((20000 + RANDOM % 20000))
as_postgres "$postgres/pg_ctl" -D "$work/postgres" -w -l "$work/postgres/log" -o "-p $port -k $work/socket -h 127.0.0.1" start >/dev/null
PGPASSWORD=secret "$postgres/createdb" -h 127.0.0.1 -p "$port" -U interval-coach interval-coach

say "the containers"
install -d -o 990 -g 990 -m 0700 "$clinic"
container() { # NAME WORD …
    local name=$1
    shift
    local how=(--detach)
    [ "$name" != init ] || how=(--rm)
    podman --runtime runc run "${how[@]}" --name "interval-coach-$$-$name" --network host --pid host --cap-drop all --read-only \
        --tmpfs /tmp --security-opt no-new-privileges --ulimit nofile=8192:8192 --ulimit nproc=4096:4096 \
        --env "DATABASE_URL=postgresql://interval-coach:secret@127.0.0.1:$port/interval-coach" \
        --volume "$clinic:/srv/interval-coach" "$tag" "$@"
    [ "$name" = init ] || names+=("interval-coach-$$-$name")
}
container init init /srv/interval-coach --clinic oslo --host localhost || skip "no container can run here"
for name in broker enrol-service collect web; do container "$name" "$name" >/dev/null; done
inside_web() { podman --runtime runc exec "interval-coach-$$-web" "$@"; }
until inside_web interval-coach-server health --wait 2; do
    [ $((SECONDS - begin)) -lt 400 ] || fail "$(podman logs "interval-coach-$$-web" 2>&1 | tail -n 20)"
done
inside_web interval-coach-server enroll machine-1 >"$work/enrolled"

say "a machine enrols over TLS, and is revoked"
grep -oE '[A-Z0-9]+(-[A-Z0-9]+)+$' "$work/enrolled" | head -n 1 |
    .venv/bin/interval-coach enrol --server localhost --identity "$work/identity"
inside_web interval-coach-server revoke machine-1
inside_web interval-coach-server backup /srv/interval-coach/backup.tar
say "the containers: built, started on PostgreSQL, asked, ended (this computer's network and process list, PostgreSQL outside)"
