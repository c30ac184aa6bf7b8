"""All checks, in the order in which they are shown: what a person can touch first."""

from firmware.doctor.check import UNCHECKED, Check, Severity
from firmware.doctor.checks.adapter import AdapterCheck, AntCheck
from firmware.doctor.checks.broker import BrokerCheck
from firmware.doctor.checks.certificate import CertificateCheck
from firmware.doctor.checks.clock import ClockCheck
from firmware.doctor.checks.config import ConfigCheck
from firmware.doctor.checks.disk import DiskCheck
from firmware.doctor.checks.gpio import GpioCheck, KeypadCheck
from firmware.doctor.checks.i2c import I2cCheck
from firmware.doctor.checks.journal import JournalCheck
from firmware.doctor.checks.music import MusicCheck
from firmware.doctor.checks.network import NetworkCheck
from firmware.doctor.checks.outputs import OutputsCheck
from firmware.doctor.checks.power import PowerCheck
from firmware.doctor.checks.screen import ScreenCheck
from firmware.doctor.checks.sound import SoundCheck
from firmware.doctor.checks.strap import StrapCheck
from firmware.doctor.checks.temperature import TemperatureCheck
from firmware.doctor.checks.treadmill import Treadmill
from firmware.doctor.checks.versions import VersionsCheck
from firmware.doctor.self_test import SelfTestCheck

CHECKS: tuple[Check, ...] = (
    OutputsCheck(),
    ScreenCheck(),
    SoundCheck(),
    MusicCheck(),
    I2cCheck(),
    GpioCheck(),
    KeypadCheck(),
    SelfTestCheck(),
    AdapterCheck(),
    AntCheck(),
    StrapCheck(),
    Treadmill(),
    DiskCheck(),
    JournalCheck(),
    PowerCheck(),
    TemperatureCheck(),
    ClockCheck(),
    ConfigCheck(),
    VersionsCheck(),
    NetworkCheck(),
    BrokerCheck(),
    CertificateCheck(),
)

NAMES: tuple[str, ...] = tuple(check.name for check in CHECKS)
CODES: dict[str, Severity] = {
    **{code: severity for check in CHECKS for code, severity in check.codes.items()},
    UNCHECKED: Severity.ATTENTION,
}
"""Every code that a machine can find, and how severe it is."""
