"""Which pulse straps are on the air now, how near, and what they tell to everyone."""

import time
from collections.abc import Collection

from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData

from coach.model.strap_advertisement import StrapSeen
from firmware.sensors.scanner import FITNESS_MACHINE_SERVICE, HEART_RATE_SERVICE
from firmware.sensors.strap import SelectedStrap
from firmware.sensors.strap_identity import advertised_bpm, identity, is_bound, may_have_moved
from firmware.sensors.timings import StrapTimings

SMOOTHING = 0.3
"""Share of a new signal strength: a body turning moves it by 10 dB from one advertisement to the next."""

NOT_HEARD_DBM = -127
"""What bleak says where BlueZ has no signal strength: a strap that it remembers and does not hear."""

SHOWN_STEP_DBM = 3
"""Signal strength is told in steps, so that a list that looks the same is not told again."""


class _Heard:
    """A strap on the air. `signal_dbm`: None as long as BlueZ only remembers it."""

    def __init__(self, device: BLEDevice, name: str | None) -> None:
        self.signal_dbm: float | None = None
        self.bpm: float | None = None
        self._listed_key: str | None = None
        self.hear(device, name)

    def hear(self, device: BLEDevice, name: str | None) -> None:
        """Note that it said something just now; a name may come later than the first advertisement."""
        self.device, self.at_s = device, time.monotonic()
        self.identity = identity(name or device.name, device.address)

    @property
    def key(self) -> str:
        """The key under which it was listed first: a name that comes later does not take it from under a thumb."""
        return self._listed_key or self.identity.key

    @property
    def address_type(self) -> str | None:
        """`public` or `random`, as BlueZ tells it."""
        details = self.device.details
        told = details.get("props", {}).get("AddressType") if isinstance(details, dict) else None
        return told if isinstance(told, str) else None

    def seen(self) -> StrapSeen:
        """As a person sees it."""
        signal_dbm = NOT_HEARD_DBM if self.signal_dbm is None else self.signal_dbm
        shown_dbm = float(round(signal_dbm / SHOWN_STEP_DBM) * SHOWN_STEP_DBM)
        self._listed_key = self.key
        known = self.identity.serial is not None
        return StrapSeen(self.key, self.identity.name, self.identity.printed, shown_dbm, self.bpm, known)


class AdvertisementTracker:
    """All straps heard lately. `saw` takes every advertisement."""

    def __init__(self, timings: StrapTimings) -> None:
        """Nothing is heard yet."""
        self._timings = timings
        self._heard: dict[str, _Heard] = {}
        self._first_s: float | None = None

    def clear(self) -> None:
        """Hear all of them anew."""
        self._heard, self._first_s = {}, None

    def on_advertisement(self, device: BLEDevice, advertisement: AdvertisementData) -> None:
        """Somebody advertises. A treadmill that also tells a rate is nobody's strap."""
        services = advertisement.service_uuids
        if HEART_RATE_SERVICE not in services or FITNESS_MACHINE_SERVICE in services:
            return
        heard = self._heard.get(device.address)
        if heard is None:
            heard = self._heard[device.address] = _Heard(device, advertisement.local_name)
        else:
            heard.hear(device, advertisement.local_name)
        if advertisement.rssi > NOT_HEARD_DBM:
            before = advertisement.rssi if heard.signal_dbm is None else heard.signal_dbm
            heard.signal_dbm = before + SMOOTHING * (advertisement.rssi - before)
        told_bpm = advertised_bpm(advertisement.manufacturer_data)
        heard.bpm = heard.bpm if told_bpm is None else told_bpm
        if self._first_s is None:
            self._first_s = heard.at_s

    @property
    def silent(self) -> bool:
        """Whether no strap at all was heard lately."""
        return not self._lately()

    def find(self, bond: SelectedStrap) -> BLEDevice | None:
        """Return the bound strap, once it is truly heard."""
        for heard in self._heard.values():
            if heard.signal_dbm is not None and is_bound(bond, heard.identity, heard.device.address):
                return heard.device
        return None

    def find_moved(self, bond: SelectedStrap, others: Collection[str]) -> BLEDevice | None:
        """Return a strap that may be the bound one under a new address; `others` have been asked, and are not."""
        for heard in self._heard.values():
            if heard.signal_dbm is None or heard.device.address in others:
                continue
            if may_have_moved(bond, heard.identity, heard.address_type):
                return heard.device
        return None

    def listed(self) -> tuple[StrapSeen, ...]:
        """All that are truly heard, once there was time for the nearest to be among them."""
        if self._first_s is None or time.monotonic() - self._first_s < self._timings.settle_s:
            return ()
        heard = sorted(self._lately().values(), key=lambda one: one.at_s)
        return tuple({one.key: one.seen() for one in heard if one.signal_dbm is not None}.values())

    def _lately(self) -> dict[str, _Heard]:
        now_s = time.monotonic()
        self._heard = {at: one for at, one in self._heard.items() if now_s - one.at_s < self._timings.gone_s}
        return self._heard
