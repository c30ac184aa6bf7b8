"""USB sticks that hear ANT+ straps, in the kernel's list (`/sys/bus/usb/devices`)."""

from pathlib import Path

from msgspec import Struct

USB_DEVICES = Path("/sys/bus/usb/devices")
ANT_MAKER = "0fcf"
ANT_PRODUCTS = ("1009", "1008", "1004")
"""ANTUSB-m, ANTUSB2 and the first one, in the order in which openant takes them."""


class AntDevice(Struct, frozen=True):
    """A stick. `place`: the port that it is in, as in 1-1.4; `file`: below /dev."""

    title: str
    place: str
    file: str

    @property
    def shown(self) -> str:
        """What a person is shown."""
        return f"{self.title} ({self.place})"


def ant_devices(folder: Path = USB_DEVICES) -> tuple[AntDevice, ...]:
    """Return the sticks that are plugged in, the one that is used first."""
    found = []
    for vendor in folder.glob("*/idVendor"):
        at = vendor.parent
        product = _text(at / "idProduct")
        if _text(vendor) == ANT_MAKER and product in ANT_PRODUCTS:
            bus, number = (_text(at / name).rjust(3, "0") for name in ("busnum", "devnum"))
            stick = AntDevice(_text(at / "product") or "ANT stick", at.name, f"/dev/bus/usb/{bus}/{number}")
            found.append((ANT_PRODUCTS.index(product), at.name, stick))
    return tuple(stick for *_, stick in sorted(found, key=lambda one: one[:2]))


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
