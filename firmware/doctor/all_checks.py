"""All checks, in the order in which they are shown: what a person can touch first."""

from firmware.doctor.check import UNCHECKED, Check, Severity
from firmware.doctor.checks.adapter import Adapter
from firmware.doctor.checks.broker import Broker
from firmware.doctor.checks.certificate import Certificate
from firmware.doctor.checks.clock import Clock
from firmware.doctor.checks.config import Config
from firmware.doctor.checks.disk import Disk
from firmware.doctor.checks.gpio import Gpio
from firmware.doctor.checks.i2c import I2c
from firmware.doctor.checks.journal import Journal
from firmware.doctor.checks.keypad import NumericKeypad
from firmware.doctor.checks.network import Network
from firmware.doctor.checks.outputs import Guides
from firmware.doctor.checks.power import Power
from firmware.doctor.checks.screen import Screen
from firmware.doctor.checks.self_test import SelfTest
from firmware.doctor.checks.sound import Sound
from firmware.doctor.checks.strap import Strap
from firmware.doctor.checks.temperature import Temperature
from firmware.doctor.checks.treadmill import Treadmill
from firmware.doctor.checks.versions import Versions

CHECKS: tuple[Check, ...] = (
    Guides(),
    Screen(),
    Sound(),
    I2c(),
    Gpio(),
    NumericKeypad(),
    SelfTest(),
    Adapter(),
    Strap(),
    Treadmill(),
    Disk(),
    Journal(),
    Power(),
    Temperature(),
    Clock(),
    Config(),
    Versions(),
    Network(),
    Broker(),
    Certificate(),
)

NAMES: tuple[str, ...] = tuple(check.name for check in CHECKS)
CODES: dict[str, Severity] = {
    **{code: severity for check in CHECKS for code, severity in check.codes.items()},
    UNCHECKED: Severity.ATTENTION,
}
"""Every code that a machine can find, and how severe it is."""
