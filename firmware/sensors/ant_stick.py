"""The USB stick that hears ANT+ straps, through openant: opened, listened to on a thread of its own, and closed.

One channel in scan mode hears every strap in reach, so that nothing is connected or searched for: a strap is bound by
taking its pages and no others. openant tries a stick that was unplugged for ever and says nothing, so that its presence
is looked at here.
"""

import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from firmware.sensors.ant_heart_rate import HEART_RATE_DEVICE, PAGE_BYTES
from firmware.system.errors import FirmwareError

_log = logging.getLogger(__name__)

PERIOD, FREQUENCY, FOR_EVER = 8070, 57, 0xFF
"""Of ANT+ heart rate: 8070/32768 s between pages, 2457 MHz; no end of the search."""
LOOK_EVERY_S = 1.0
CLOSE_WITHIN_S = 5.0


class AntStickError(FirmwareError):
    """The stick cannot be used. `reason`: a key of the texts (`no_adapter`, `refused`, `radio_stumbled`)."""

    def __init__(self, reason: str, said: str) -> None:
        """Keep the reason beside the words."""
        super().__init__(said)
        self.reason = reason


class AntStick:
    """The first ANT stick. `listen` blocks its thread until `close`, or until the stick is gone."""

    def __init__(self) -> None:
        """Open nothing yet."""
        self._closing = threading.Event()

    def listen(self, on_page: Callable[[bytes], None]) -> None:
        """Give every page with its sender to `on_page`, on this thread or another. Raises AntStickError."""
        self._closing.clear()
        node = _opened()
        try:
            _scan(node, on_page)
            pump = threading.Thread(target=node.start, name="ant pages", daemon=True)
            pump.start()
            lives = True
            while lives and not self._closing.wait(LOOK_EVERY_S):
                lives = _lives(node)
        except Exception as error:
            raise _reason(error) from error
        finally:
            _close(node)
        if not lives:
            raise AntStickError("no_adapter", "the ANT stick was unplugged, or stopped answering")

    def close(self) -> None:
        """End `listen`."""
        self._closing.set()


def _opened() -> Any:  # noqa: ANN401 - openant ships no type information
    logging.getLogger("openant").setLevel(logging.ERROR)
    try:
        from openant.easy.node import Node  # noqa: PLC0415 - comes with the extra «ant»
    except ImportError as error:
        raise AntStickError(
            "refused", "openant is not installed; install interval-coach with the extra «ant»"
        ) from error
    try:
        return Node()
    except Exception as error:  # openant and pyusb raise many kinds
        raise _reason(error) from error


def _scan(node: Any, on_page: Callable[[bytes], None]) -> None:  # noqa: ANN401 - as above
    from openant.devices import ANTPLUS_NETWORK_KEY  # noqa: PLC0415 - as above
    from openant.easy.channel import Channel  # noqa: PLC0415 - as above

    def heard(data: Any) -> None:  # noqa: ANN401 - openant's array of bytes
        payload = bytes(data)
        if len(payload) > PAGE_BYTES:
            on_page(payload)

    node.set_network_key(0, ANTPLUS_NETWORK_KEY)
    channel = node.new_channel(Channel.Type.BIDIRECTIONAL_RECEIVE)
    channel.on_broadcast_data = heard
    channel.set_id(0, HEART_RATE_DEVICE, 0)
    channel.enable_extended_messages(1)
    channel.set_search_timeout(FOR_EVER)
    channel.set_period(PERIOD)
    channel.set_rf_freq(FREQUENCY)
    channel.open_rx_scan_mode()


def _lives(node: Any) -> bool:  # noqa: ANN401 - as above
    """Whether openant still reads, and the stick is still there."""
    ant = node.ant
    return bool(ant._worker_thread.is_alive() and type(ant._driver).find())  # noqa: SLF001 - openant has no such question


def _close(node: Any) -> None:  # noqa: ANN401 - as above
    # A stick that is gone refuses to be closed; and closing waits for a read that may not end.
    ending = threading.Thread(target=lambda: _stop(node), name="ant stop", daemon=True)
    ending.start()
    ending.join(CLOSE_WITHIN_S)


def _stop(node: Any) -> None:  # noqa: ANN401 - as above
    with suppress(Exception):
        node.stop()


def _reason(error: Exception) -> AntStickError:
    """Say why a stick cannot be used."""
    kind, number = type(error).__name__, getattr(error, "errno", None)
    if kind == "DriverNotFound" or number == 19:  # noqa: PLR2004 - ENODEV
        return AntStickError("no_adapter", "no ANT stick is plugged in")
    if kind == "NoBackendError":
        return AntStickError("refused", "libusb is missing: install the package libusb-1.0-0")
    if number == 13:  # noqa: PLR2004 - EACCES
        return AntStickError("refused", "the ANT stick may not be used: its udev rule is missing")
    if number == 16:  # noqa: PLR2004 - EBUSY
        return AntStickError("radio_busy", "another program uses the ANT stick")
    return AntStickError("radio_stumbled", f"the ANT stick fails: {str(error) or kind}")
