"""mosquitto's configuration and access list, made from the clinic's settings; and what another broker needs.

Each setting has its reason beside it, in the file itself: whoever runs the broker reads that file, not this one.
"""

import getpass
import os
import signal
from collections.abc import Iterable
from pathlib import Path

from server.clinic_folder.settings import ClinicFolder

MOST_PACKET_BYTES = 128 * 1024
"""Whole sessions and parts are at most 64 KiB; topic, properties and some room come on top."""

MACHINE_WRITES = ("state", "live", "session/+", "result", "taken")
CLEARED = ("session/+", "result", "taken")
"""What no machine lets the broker keep: the collector clears it, so that nothing comes back after a deletion."""
MACHINE_READS = ("receipt", "command", "plan/+")

ROOM_READS = ("state", "live", "result")
ROOM_WRITES = ("command", "plan/+")
"""What a web worker may: it shows the room, and neither sees sessions nor sends receipts."""


def configuration(clinic: ClinicFolder) -> str:
    """Return what mosquitto 2 is started with: `mosquitto -c broker/mosquitto.conf`, or our own `broker` command."""
    places, settings = clinic.places, clinic.settings
    return f"""\
# Made by «interval-coach-server init». What a clinic wants otherwise goes into {places.broker}/more.d/*.conf.

# Started by root it stays with the owner of the keys; started by any other account, that account it is.
user {getpass.getuser()}
pid_file {places.broker_pid}
log_dest stderr
log_type error
log_type warning
log_type notice
connection_messages true

# Nobody without a certificate, and nothing beyond the access list.
per_listener_settings false
allow_anonymous false
acl_file {places.broker_access}

# Queues and retained plans outlive a restart. The default writes every 30 min; what is younger than this comes again
# from the machines, which forget nothing without a receipt.
persistence true
persistence_location {places.broker}/store/
autosave_interval 30
autosave_on_changes false
# A machine or collector that stays away longer is forgotten with its queue.
persistent_client_expiration 30d

# Beyond these limits mosquitto drops silently. That loses no session, and keeps it within about 256 MB a collector.
max_queued_messages 20000
max_queued_bytes 268435456
max_inflight_messages 1000
max_packet_size {MOST_PACKET_BYTES}
max_keepalive 300

listener {f"{settings.broker_port} {settings.listen_address}".rstrip()}
tls_version tlsv1.2
cafile {places.authority}
certfile {places.certificate("server")}
keyfile {places.key("server")}
crlfile {places.revoked}
require_certificate true
# The certificate's name is the user, and the client id too: nobody can take over another's connection or queue.
use_identity_as_username true
use_username_as_clientid true
set_tcp_nodelay true

include_dir {places.broker}/more.d
"""


def access_list(
    clinic: ClinicFolder,
    collectors: Iterable[str],
    webs: Iterable[str],
    bridges: Iterable[str],
    shut_out: Iterable[str],
) -> str:
    """Who may read and write what. `shut_out`: machines without a certificate in force, cut off at once.

    `%u` is the certificate's name and not the client id, which a client chooses for itself.
    """
    own = f"ic/1/{clinic.settings.clinic}"
    reach = own if clinic.settings.accepts == "own" else "ic/1/+"
    lines = ["# Made by «interval-coach-server», written anew at every enrolment and revocation.", ""]
    for name in sorted(collectors):
        lines += [f"user {name}"]
        lines += [f"topic read {reach}/+/{one}" for one in MACHINE_WRITES if one not in CLEARED]
        # Written only to clear what a machine had the broker keep.
        lines += [f"topic readwrite {reach}/+/{one}" for one in CLEARED]
        lines += [f"topic write {reach}/+/{one}" for one in MACHINE_READS]
        lines += [""]
    for name in sorted(webs):
        lines += [f"user {name}"]
        lines += [f"topic read {reach}/+/{one}" for one in ROOM_READS]
        lines += [f"topic write {reach}/+/{one}" for one in ROOM_WRITES]
        lines += [""]
    for name in sorted(bridges):
        theirs = f"ic/1/{name.removeprefix('bridge-')}"
        lines += [f"user {name}"]
        lines += [f"topic write {theirs}/+/{one}" for one in MACHINE_WRITES]
        lines += [f"topic read {theirs}/+/{one}" for one in MACHINE_READS]
        lines += [""]
    for name in sorted(shut_out):
        lines += [f"user {name}", "topic deny #", ""]
    lines += ["# A machine: only below its own name."]
    lines += [f"pattern write {own}/%u/{one}" for one in MACHINE_WRITES]
    # Its own state too: by it a machine sees that somebody else speaks in its name.
    lines += [f"pattern read {own}/%u/{one}" for one in (*MACHINE_READS, "state")]
    return "\n".join(lines) + "\n"


def bridge_configuration(region: ClinicFolder, name: str, files: str) -> str:
    """Return what a clinic's mosquitto needs to hand all on to the region's. `files`: the folder they lie in there."""
    theirs = name.removeprefix("bridge-")
    below = f"ic/1/{theirs}/"
    topics = "\n".join(
        [
            *(f"topic +/{one} out {0 if one == 'live' else 1} {below} {below}" for one in MACHINE_WRITES),
            *(f"topic +/{one} in 1 {below} {below}" for one in MACHINE_READS),
        ]
    )
    return f"""\
# The clinic «{theirs}» hands everything on to the region's broker. It runs no collector itself: a session has one home,
# and its receipt comes from there.
connection {name}
address {region.settings.host}:{region.settings.broker_port}
bridge_protocol_version mqttv50
bridge_tls_version tlsv1.2
bridge_cafile {files}/authority.pem
bridge_certfile {files}/{name}.pem
bridge_keyfile {files}/{name}.key
# Both sides keep what is on its way while the line is down.
cleansession false
local_cleansession false
try_private true
notifications false
keepalive_interval 30
# Between these seconds, with jitter: a region's clinics do not all come back at once.
restart_timeout 2 60
{topics}
"""


def existing_broker(clinic: ClinicFolder) -> str:
    """Return what a broker that stands already must be set to."""
    places, settings = clinic.places, clinic.settings
    own = f"ic/1/{settings.clinic}"
    writes = "\n".join(f"    write   {own}/<certificate's name>/{one}" for one in MACHINE_WRITES)
    reads = "\n".join(f"    read    {own}/<certificate's name>/{one}" for one in MACHINE_READS)
    collector_reads = "\n".join(f"    read    {own}/+/{one}" for one in MACHINE_WRITES)
    collector_writes = "\n".join(f"    write   {own}/+/{one}" for one in MACHINE_READS)
    room_reads = "\n".join(f"    read    {own}/+/{one}" for one in ROOM_READS)
    room_writes = "\n".join(f"    write   {own}/+/{one}" for one in ROOM_WRITES)
    return f"""\
Your broker needs this (docs/brokers.md says how it is said in EMQX, HiveMQ, VerneMQ and mosquitto, and why):

Connection
    MQTT 5 over TLS 1.2 or newer on port {settings.broker_port}, with a certificate for «{settings.broker_host}»
    that the clinic's own authority gave (machines trust no other): certificates/server.pem names it
    clients' certificates are required; trusted authority: {places.authority}
    revoked certificates are refused; list: {places.revoked}
    the certificate's common name is the user name and the client id; no other log-in, no anonymous access

Each machine
{writes}
{reads}
    read    {own}/<certificate's name>/state        (its own, to notice a second machine of its name)

Each collector (certificates/collector-1.pem, …)
{collector_reads}
{collector_writes}
    in a shared subscription too: $share/GROUP/…, GROUP as in the file «shared-group», which no machine may learn

Each web worker (certificates/web-1.pem, …)
{room_reads}
{room_writes}

Limits
    packets of at least {MOST_PACKET_BYTES} bytes; QoS 1; retained messages; shared subscriptions
    sessions kept at least {settings.session_expiry_s} s after a connection is lost, on disk
    at least {settings.receive_maximum} messages in flight to a collector, and a queue of 20,000 messages or 256 MB
    QoS 1 messages in a shared subscription go to another collector when one is away, if the broker can
"""


def told_to_reload(pid_file: Path) -> bool:
    """Tell the running mosquitto to read its lists again. Gives whether there was one to tell."""
    try:
        pid = int(pid_file.read_text())
        if Path(f"/proc/{pid}/comm").read_text().strip() != "mosquitto":
            return False
        os.kill(pid, signal.SIGHUP)
    except (OSError, ValueError):
        return False
    return True
