"""What the kernel's lists of input devices say: listings of real machines, and which of them is a keypad."""

import pytest

from firmware.panel.keyboards import KeyboardKind, devices_in, is_keypad, may_be_keypad

WHOLE = "1000000000007 ff9f207ac14057ff febeffdfffefffff fffffffffffffffe"
"""The bitmap of HID's boot keyboard, which receivers, mice and cheap keypads announce as well."""


def listing(name: str, keys: str, handlers: str = "sysrq kbd event3 leds ") -> str:
    return (
        f'I: Bus=0003 Vendor=1a2c Product=0e24 Version=0110\nN: Name="{name}"\nP: Phys=usb-0000:01:00.0-1.3/input0\n'
        f"U: Uniq=\nH: Handlers={handlers}\nB: PROP=0\nB: EV=120013\nB: KEY={keys}\nB: MSC=10\n\n"
    )


@pytest.mark.parametrize(
    ("name", "keys", "bits", "kind"),
    [
        ("SEM USB Keyboard", WHOLE, None, KeyboardKind.PERHAPS),
        ("PATEN USB Keyboard", WHOLE, None, KeyboardKind.PERHAPS),
        ("Logitech USB Receiver", WHOLE, None, KeyboardKind.PERHAPS),
        ("USB Compliant Keypad", WHOLE, None, KeyboardKind.KEYPAD),
        ("LogiLink Number Pad", WHOLE, None, KeyboardKind.KEYPAD),
        ("HCT Numeric Keyboard", WHOLE, None, KeyboardKind.KEYPAD),
        ("G11 Keyboard Keypad", "100043d900c07 ff980000003007ff febeffdffe6fffe0 7ffffffffffff02", 64,
         KeyboardKind.PERHAPS),
        ("Compx 2.4G Receiver", "1000000000007 ff9f207ac14057ff febeffdfffefffff fffffffffffffffe", 64,
         KeyboardKind.PERHAPS),
        ("Microsoft Wireless Optical Desktop", "10000 7 ff800000 7ff febeffdf f3cfffff ffffffff fffffffe", 32,
         KeyboardKind.PERHAPS),
        ("Razer Copperhead Laser Mouse", "ffff0000 0 0 0 0", None, KeyboardKind.OTHER),
        ("Power Button", "10000000000000 0", None, KeyboardKind.OTHER),
        ("PATEN USB Keyboard System Control", "8000 10000000000000 0", None, KeyboardKind.OTHER),
        ("vc4-hdmi-0", "20000000000000 0 f000001f", None, KeyboardKind.OTHER),
        ("broken", "no bits", None, KeyboardKind.OTHER),
        ("empty", "", None, KeyboardKind.OTHER),
    ],
)  # fmt: skip
def test_a_device_is_what_its_keys_say(name: str, keys: str, bits: int | None, kind: KeyboardKind) -> None:
    (device,) = devices_in(listing(name, keys), bits)
    assert (device.name, device.event, device.kind) == (name, "event3", kind)


def test_a_number_pad_without_letters_is_a_keypad_whatever_its_enter_key_is_called() -> None:
    digits = frozenset(f"KEY_KP{digit}" for digit in range(10))
    assert is_keypad("HID 04d9:1203", digits | {"KEY_ENTER"})
    assert is_keypad("HID 04d9:1203", digits | {"KEY_KPENTER"})
    assert not is_keypad("HID 04d9:1203", digits)
    assert may_be_keypad("HID 04d9:1203", digits | {"KEY_ENTER", "KEY_Q"})


def test_devices_that_no_program_can_read_are_left_out() -> None:
    text = listing("Speaker", "0", "kbd ") + listing("SEM USB Keyboard", WHOLE)
    assert [device.name for device in devices_in(text)] == ["SEM USB Keyboard"]
    assert devices_in("") == devices_in("\x00 garbage \n\n") == ()
