"""The place that is this machine: what its settings say, and what its running coach tells."""

import socket
import ssl
import time
from dataclasses import replace
from pathlib import Path

from msgspec import structs

from coach.kiosk.view import Button
from display.sound.music_files import find_music
from firmware.config.cli_defaults import CONFIG
from firmware.config.loader import InForce, in_force, kept_copy
from firmware.config.schema import ConfigError
from firmware.doctor.all_checks import CHECKS
from firmware.doctor.check import CheckFinding, Codes, Outcome, Severity
from firmware.doctor.environment import CheckContext, ServiceReports, StrapReport, run_program
from firmware.doctor.runner import CheckResult
from firmware.ipc.client import CoachLink, NoCoachError
from firmware.ipc.messages import AskHealth, Health
from sync.delivery.machine_identity import MachineIdentityError, read_account, tls_context

ANSWER_WITHIN_S = 3.0
REACH_WITHIN_S = 5.0
SEEN_BY_COACH = ("guides", "gpio", "keypad", "strap", "treadmill", "journal")
"""What only the running coach can see whole."""
HELD_BY_COACH, HELD_BY_DISPLAY = ("gpio", "keypad", "strap", "treadmill"), ("guides", "screen", "sound", "i2c")
"""Parts that a service holds open: only its own word says whether they work."""


def settings_here(path: Path | None) -> tuple[InForce | None, str | None]:
    """Return the settings in force, and what is wrong where none can be used; neither where there is no file."""
    if path is None and not CONFIG.exists():
        return None, None
    try:
        return in_force(path or CONFIG, kept_copy()), None
    except ConfigError as error:
        return None, str(error)


def asked_of_coach(place: CheckContext) -> tuple[CheckContext, Health | None]:
    """Return the place with what the running coach tells; that none runs, where none answers."""
    health = _health(place.socket)
    if health is None:
        return replace(place, told=structs.replace(place.told, coach_runs=False)), None
    strap = None if health.strap is None else StrapReport(*_strap(health.strap))
    stuck = tuple(
        Button(one.detail)
        for one in health.findings
        if one.code.endswith("button_stuck") and one.detail in tuple(Button)
    )
    told: ServiceReports = structs.replace(place.told, devices=health.devices, strap=strap, stuck=stuck)
    return replace(place, told=told), health


def with_coachs(looked: tuple[CheckResult, ...], health: Health | None) -> tuple[CheckResult, ...]:
    """Return what was found, and what only the coach can find."""
    if health is None:
        return looked
    codes = {check.name: check.codes for check in CHECKS}
    return tuple(
        CheckResult(one.name, _joined(one.outcome, health, codes[one.name])) if one.name in SEEN_BY_COACH else one
        for one in looked
    )


def without_answer(looked: tuple[CheckResult, ...], place: CheckContext) -> tuple[CheckResult, ...]:
    """Mark the parts that only a service holds, where that service has not answered: no answer is never "all right"."""
    silent: tuple[str, ...] = () if place.told.coach_runs else HELD_BY_COACH
    if place.told.devices is None:
        silent += HELD_BY_DISPLAY
    return tuple(
        structs.replace(one, outcome=structs.replace(one.outcome, asked=False)) if one.name in silent else one
        for one in looked
    )


def reach_broker(identity: Path) -> str | None:
    """Why the broker cannot be reached with TLS and this machine's certificate; None where it can."""
    try:
        account = read_account(identity)
        context = tls_context(identity)
        address = (account.broker_host, account.broker_port)
        with (
            socket.create_connection(address, REACH_WITHIN_S) as plain,
            context.wrap_socket(plain, server_hostname=account.broker_host),
        ):
            return None
    except (MachineIdentityError, OSError, ssl.SSLError) as error:
        return str(error)


def whole(place: CheckContext) -> CheckContext:
    """Return the place where there is time: programs are run, and the broker is tried."""
    return replace(place, run=run_program, reach=reach_broker, find_music=find_music)


def _health(path: Path) -> Health | None:
    try:
        with CoachLink(path) as link:
            link.say(AskHealth(request=1))
            until_s = time.monotonic() + ANSWER_WITHIN_S
            while (left_s := until_s - time.monotonic()) > 0:
                for message in link.receive(left_s):
                    if isinstance(message, Health) and message.request == 1:
                        return message
    except NoCoachError:
        pass
    return None


def _strap(told: tuple[str, float | None, int | None]) -> tuple[str, float | None, float, int | None]:
    name, ago_s, percent = told
    return name, ago_s, 0.0, percent


def _joined(outcome: Outcome, health: Health, codes: Codes) -> Outcome:
    mine = {one.code for one in outcome.findings}
    more = tuple(
        CheckFinding(one.code, Severity(one.severity), one.detail)
        for one in health.findings
        if one.code in codes and one.code not in mine
    )
    return structs.replace(outcome, findings=(*outcome.findings, *more), in_use=outcome.in_use or bool(more))
