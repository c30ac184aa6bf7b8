"""All checks, in the order in which they are shown: what a person can touch first."""

from firmware.doctor.adapter import Adapter
from firmware.doctor.broker import Broker
from firmware.doctor.certificate import Certificate
from firmware.doctor.check import UNCHECKED, Check, Severity
from firmware.doctor.clock import Clock
from firmware.doctor.config import Config
from firmware.doctor.disk import Disk
from firmware.doctor.gpio import Gpio
from firmware.doctor.guides import Guides
from firmware.doctor.i2c import I2c
from firmware.doctor.journal import Journal
from firmware.doctor.network import Network
from firmware.doctor.power import Power
from firmware.doctor.screen import Screen
from firmware.doctor.self_test import SelfTest
from firmware.doctor.sound import Sound
from firmware.doctor.strap import Strap
from firmware.doctor.temperature import Temperature
from firmware.doctor.treadmill import Treadmill
from firmware.doctor.versions import Versions

CHECKS: tuple[Check, ...] = (
    Guides(),
    Screen(),
    Sound(),
    I2c(),
    Gpio(),
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
