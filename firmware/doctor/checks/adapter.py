"""What hears straps: the Bluetooth adapter, and an ANT stick; of several of either, the one in use."""

from collections.abc import Sequence
from typing import ClassVar

from msgspec import Struct

from firmware.doctor.check import NOT_IN_USE, CheckFinding, Codes, Outcome, Severity, make_finding
from firmware.doctor.environment import CheckContext
from firmware.sensors.ant_devices import USB_DEVICES, ant_devices


class AdapterState(Struct, frozen=True):
    """An adapter. `blocked`: by which kind of switch; `powered` and `able` None: not asked, or BlueZ does not say."""

    name: str
    address: str = ""
    blocked: str | None = None
    powered: bool | None = None
    able: bool | None = None


class AdapterCheck:
    """Reads rfkill and sysfs; whether it is switched on only BlueZ knows, who is asked over D-Bus."""

    name: str = "adapter"
    codes: ClassVar[Codes] = {
        "adapter_missing": Severity.ATTENTION,
        "adapter_blocked": Severity.ATTENTION,
        "adapter_blocked_hard": Severity.ATTENTION,
        "adapter_off": Severity.ATTENTION,
    }

    def look(self, place: CheckContext) -> Outcome:
        """Without an adapter nobody's rate is heard; whose plan allows it trains by exertion."""
        if not place.fittings.bluetooth:
            return NOT_IN_USE
        names = [one.name for one in place.those("/sys/class/bluetooth", "hci*") if ":" not in one.name]
        if not names:
            # A blocked USB adapter may be hidden altogether.
            blocked = _blocked_by(place, None)
            return Outcome((self._finding(blocked),) if blocked else (make_finding(self, "adapter_missing"),))
        states = [self._state(place, name) for name in names]
        wanted = place.fittings.adapter.upper()
        used = _used(states, wanted)
        if used is None:
            detail = f"the settings name {place.fittings.adapter}; there are {', '.join(names)}"
            return Outcome((make_finding(self, "adapter_missing", detail),), passed_over=_others(states, None))
        others = _others(states, used)
        if used.blocked is not None:
            return Outcome((self._finding(used.blocked),), used.name, passed_over=others)
        if used.powered is False:
            return Outcome((make_finding(self, "adapter_off", used.name),), used.name, passed_over=others)
        return Outcome(facts=used.name, passed_over=others)

    def _finding(self, kind: str) -> CheckFinding:
        if kind == "hard":
            return make_finding(self, "adapter_blocked_hard")
        return make_finding(self, "adapter_blocked", "rfkill: soft")

    def _state(self, place: CheckContext, name: str) -> AdapterState:
        blocked, powered = _blocked_by(place, name), self._powered(place, name)
        roles, address = _read_property(place, name, "Roles"), _read_property(place, name, "Address")
        able = None if roles is None or not roles.startswith("as ") else '"central"' in roles
        told = address.split('"')[1] if address is not None and address.startswith('s "') else ""
        return AdapterState(name, told.upper(), blocked, powered, able)

    def _powered(self, place: CheckContext, adapter: str) -> bool | None:
        path = f"/org/bluez/{adapter}"
        asked = ("busctl", "get-property", "org.bluez", path, "org.bluez.Adapter1", "Powered")
        ran = None if place.run is None else place.run(asked)
        if ran is None:
            return None
        if ran.status:
            # BlueZ does not run, or does not know the adapter: nobody would hear a strap.
            return False
        match ran.output.split():
            case ["b", "true" | "false" as state]:
                return state == "true"
            case _:
                raise ValueError(f"BlueZ said: {ran.output[:80]}")


class AntCheck:
    """The kernel's list of USB devices."""

    name: str = "ant"
    codes: ClassVar[Codes] = {"ant_missing": Severity.ATTENTION, "ant_forbidden": Severity.ATTENTION}

    def look(self, place: CheckContext) -> Outcome:
        """Miss a stick only where the settings hear straps by it; elsewhere name one that is there."""
        sticks = ant_devices(place.at(str(USB_DEVICES)))
        if not place.fittings.ant:
            names = tuple(f"{one.shown}: straps are heard over Bluetooth. Choose by strap.source" for one in sticks)
            return Outcome(in_use=bool(names), passed_over=names)
        if not sticks:
            return Outcome((make_finding(self, "ant_missing"),))
        used = sticks[0]
        others = tuple(f"{one.shown}: {used.shown} is used. Unplug one of them" for one in sticks[1:])
        findings = () if place.may_use(used.file) else (make_finding(self, "ant_forbidden", used.file),)
        return Outcome(findings, used.shown, passed_over=others)


def _used(states: Sequence[AdapterState], wanted: str) -> AdapterState | None:
    """Return the adapter that the coach takes (`firmware.sensors.adapter.adapter_order`)."""
    if wanted:
        return next((one for one in states if wanted in (one.name.upper(), one.address)), None)
    return min(states, key=lambda one: (one.able is False, one.powered is False, one.name), default=None)


def _others(states: Sequence[AdapterState], used: AdapterState | None) -> tuple[str, ...]:
    return tuple(f"{one.name}: {_why(one, used)}. Choose by strap.adapter" for one in states if one is not used)


def _why(one: AdapterState, used: AdapterState | None) -> str:
    if one.able is False:
        return "it cannot connect to a strap"
    if one.blocked is not None:
        return "it is blocked"
    if one.powered is False:
        return "it is switched off"
    return "another one is named" if used is None else f"{used.name} is used"


def _blocked_by(place: CheckContext, adapter: str | None) -> str | None:
    """Return which kind of switch blocks an adapter: `hard` or `soft`. None: any adapter, or a kernel without names."""
    kinds = set()
    for one in place.those("/sys/class/rfkill", "rfkill*"):
        if place.text(one / "type") != "bluetooth":
            continue
        name = place.text(one / "name")
        if adapter is None or not name or name == adapter:
            kinds |= {kind for kind in ("hard", "soft") if place.number(one / kind)}
    return "hard" if "hard" in kinds else "soft" if kinds else None


def _read_property(place: CheckContext, adapter: str, member: str) -> str | None:
    """Return what BlueZ says of an adapter; None where it says nothing."""
    words = ("busctl", "get-property", "org.bluez", f"/org/bluez/{adapter}", "org.bluez.Adapter1", member)
    ran = None if place.run is None else place.run(words)
    return None if ran is None or ran.status else ran.output.strip()
