"""The kernel's own way to a display without a desktop: one picture in memory that the display reads, set once by KMS.

Neither SDL's drivers nor OpenGL, a compositor or a desktop take part: the drawn picture is copied into a «dumb buffer»
(kernel documentation, «DRM: KMS, dumb buffers»; structures as in the kernel's drm.h and drm_mode.h). The program that
opens the device first is its master, and the console comes back by itself when it ends, however it ends. Where the
process has a virtual terminal, the picture is shown while that is (display/output/virtual_terminal.py).
"""

import ctypes
import fcntl
import logging
import mmap
import os
import termios
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pygame
from numpy.typing import NDArray

from display.output.presenter import Size, Turned, seen_size, turned_piece, turned_rect
from display.output.virtual_terminal import Terminal, terminal_here

_log = logging.getLogger(__name__)

DEVICES = Path("/dev/dri")
CONNECTED = 1
# fmt: off
CONNECTOR_TYPES = (
    "Unknown", "VGA", "DVI-I", "DVI-D", "DVI-A", "Composite", "SVIDEO", "LVDS", "Component", "DIN", "DP", "HDMI-A",
    "HDMI-B", "TV", "eDP", "Virtual", "DSI", "DPI", "Writeback", "SPI", "USB",
)
# fmt: on
"""Names of the kernel's connector types, by number, as `/sys/class/drm` has them (drm_mode.h)."""
PREFERRED = 1 << 3
BITS, DEPTH = 32, 24
_MOST_CLIPS = 64


class _Told(ctypes.Structure):
    """A structure of the kernel's interface."""


class _Resources(_Told):
    _fields_: ClassVar = [
        *((name, ctypes.c_uint64) for name in ("fbs", "crtcs", "connectors", "encoders")),
        *((f"count_{name}", ctypes.c_uint32) for name in ("fbs", "crtcs", "connectors", "encoders")),
        *((name, ctypes.c_uint32) for name in ("min_width", "max_width", "min_height", "max_height")),
    ]


class _Mode(_Told):
    _fields_: ClassVar = [
        ("clock", ctypes.c_uint32),
        *((name, ctypes.c_uint16) for name in ("width", "hsync_start", "hsync_end", "htotal", "hskew")),
        *((name, ctypes.c_uint16) for name in ("height", "vsync_start", "vsync_end", "vtotal", "vscan")),
        *((name, ctypes.c_uint32) for name in ("refresh", "flags", "type")),
        ("name", ctypes.c_char * 32),
    ]


class _Connector(_Told):
    _fields_: ClassVar = [
        *((name, ctypes.c_uint64) for name in ("encoders", "modes", "props", "prop_values")),
        *((name, ctypes.c_uint32) for name in ("count_modes", "count_props", "count_encoders")),
        *((name, ctypes.c_uint32) for name in ("encoder", "connector", "type", "type_id", "connection")),
        *((name, ctypes.c_uint32) for name in ("mm_width", "mm_height", "subpixel", "pad")),
    ]


class _Encoder(_Told):
    _fields_: ClassVar = [
        (name, ctypes.c_uint32) for name in ("encoder", "type", "crtc", "possible_crtcs", "possible_clones")
    ]


class _Crtc(_Told):
    _fields_: ClassVar = [
        ("connectors", ctypes.c_uint64),
        *((name, ctypes.c_uint32) for name in ("count_connectors", "crtc", "fb", "x", "y", "gamma_size", "mode_valid")),
        ("mode", _Mode),
    ]


class _CreateDumb(_Told):
    _fields_: ClassVar = [
        *((name, ctypes.c_uint32) for name in ("height", "width", "bpp", "flags", "handle", "pitch")),
        ("size", ctypes.c_uint64),
    ]


class _MapDumb(_Told):
    _fields_: ClassVar = [("handle", ctypes.c_uint32), ("pad", ctypes.c_uint32), ("offset", ctypes.c_uint64)]


class _AddBuffer(_Told):
    _fields_: ClassVar = [
        (name, ctypes.c_uint32) for name in ("fb", "width", "height", "pitch", "bpp", "depth", "handle")
    ]


class _Dirty(_Told):
    _fields_: ClassVar = [
        *((name, ctypes.c_uint32) for name in ("fb", "flags", "color", "count_clips")),
        ("clips", ctypes.c_uint64),
    ]


class _Clip(_Told):
    _fields_: ClassVar = [(name, ctypes.c_uint16) for name in ("x1", "y1", "x2", "y2")]


_RESOURCES, _ENCODER, _CONNECTOR = 0xA0, 0xA6, 0xA7
_SET_MASTER, _DROP_MASTER = 0x1E, 0x1F
_SET_CRTC, _ADD_BUFFER, _DIRTY, _CREATE_DUMB, _MAP_DUMB = 0xA2, 0xAE, 0xB1, 0xB2, 0xB3


class KmsPresenter:
    """A full-screen picture by KMS.

    `display`: which of the connected ones, from 0; `connector`: its name, as in HDMI-A-2, where it is connected;
    `turned`: as for the others.
    """

    def __init__(
        self, *, turned: Turned = "no", display: int = 0, connector: str = "", devices: Path = DEVICES
    ) -> None:
        """Take the display. Raises pygame.error where none is connected, or another program holds it."""
        self._turned: Turned = turned
        self._name = ""
        self._file = -1
        self._map: mmap.mmap | None = None
        self._terminal = _terminal()
        problems: list[str] = []
        cards = sorted(devices.glob("card[0-9]*"))
        # First the wanted connector on any card, then whatever has a display: another one is better than none.
        for device, wanted in [(card, connector) for card in cards if connector] + [(card, "") for card in cards]:
            try:
                self._open(device, display, wanted)
            except OSError as error:
                self._leave()
                if not wanted:
                    problems.append(f"{device}: {error.strerror or error}")
            else:
                break
        if self._file < 0:
            raise pygame.error("; ".join(problems) or f"there is no display device in {devices}")
        if connector and self._name != connector:
            _log.warning("No display is plugged in at %s; the picture is on %s.", connector, self._name)
        self._surface = pygame.Surface(seen_size(self._size, turned), depth=BITS)

    @property
    def surface(self) -> pygame.Surface:
        """Where to draw."""
        return self._surface

    def present(self, dirty: Sequence[pygame.Rect]) -> None:
        """Copy what has changed into the picture that the display reads."""
        places = []
        for rect in dirty:
            whole = rect.clip(self._surface.get_rect())
            if not whole.size[0] or not whole.size[1]:
                continue
            place = turned_rect(whole, self._surface.get_size(), self._turned)
            piece = turned_piece(self._surface, whole, self._turned)
            self._pixels[place.top : place.bottom, place.left : place.right] = pygame.surfarray.array2d(piece).T
            places.append(place)
        if len(places) > _MOST_CLIPS:
            places = [pygame.Rect((0, 0), self._size)]
        self._tell_dirty(places)

    def resized(self) -> bool:
        """Keep the size of a display without a desktop; open again where another one is plugged in."""
        return False

    def close(self) -> None:
        """Give the display back to the console."""
        self._leave()

    def let_go(self) -> None:
        """Let another program have the display; what is drawn meanwhile is kept. Never raises."""
        with suppress(OSError):
            fcntl.ioctl(self._file, ord("d") << 8 | _DROP_MASTER, 0)

    def take(self) -> None:
        """Have the display again. Raises OSError where another program does not let go of it."""
        fcntl.ioctl(self._file, ord("d") << 8 | _SET_MASTER, 0)
        self._set_mode()

    @property
    def connector(self) -> str:
        """Name of the connector that shows the picture, as in HDMI-A-1."""
        return self._name

    def _open(self, device: Path, display: int, wanted: str) -> None:
        self._file = os.open(device, os.O_RDWR | os.O_CLOEXEC)
        crtcs, connectors = self._resources()
        shown = [found for one in connectors if (found := self._connected(one, crtcs)) is not None]
        if not shown:
            raise OSError(0, "no display is connected")
        named = [one for one in shown if one[3] == wanted]
        if wanted and not named:
            raise OSError(0, f"no display is connected at {wanted}")
        connector, crtc, mode, self._name = named[0] if named else shown[min(display, len(shown) - 1)]
        self._size: Size = (mode.width, mode.height)
        made = self._ask(_CREATE_DUMB, _CreateDumb(width=mode.width, height=mode.height, bpp=BITS))
        buffer = _AddBuffer(
            width=mode.width, height=mode.height, pitch=made.pitch, bpp=BITS, depth=DEPTH, handle=made.handle
        )
        self._buffer = int(self._ask(_ADD_BUFFER, buffer).fb)
        at = self._ask(_MAP_DUMB, _MapDumb(handle=made.handle)).offset
        self._map = mmap.mmap(self._file, made.size, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE, offset=at)
        shape = (mode.height, made.pitch // 4)
        self._pixels: NDArray[np.uint32] = np.ndarray(shape, np.uint32, buffer=self._map)
        self._pixels[:] = 0
        self._connector, self._crtc, self._mode = connector, crtc, mode
        if self._terminal is None:
            self._set_mode()
        else:
            self._terminal.show(self)

    def _set_mode(self) -> None:
        which = (ctypes.c_uint32 * 1)(self._connector)
        wanted = _Crtc(crtc=self._crtc, fb=self._buffer, mode_valid=1, mode=self._mode)
        wanted.connectors, wanted.count_connectors = ctypes.addressof(which), 1
        self._ask(_SET_CRTC, wanted)

    def _resources(self) -> tuple[list[int], list[int]]:
        """Crtcs and connectors of the device: asked how many, and then which."""
        told = self._ask(_RESOURCES, _Resources())
        lists = {name: (ctypes.c_uint32 * getattr(told, f"count_{name}"))() for name in ("crtcs", "connectors")}
        asked = _Resources(count_crtcs=told.count_crtcs, count_connectors=told.count_connectors)
        for name, one in lists.items():
            setattr(asked, name, ctypes.addressof(one))
        self._ask(_RESOURCES, asked)
        return list(lists["crtcs"]), list(lists["connectors"])

    def _connected(self, connector: int, crtcs: Sequence[int]) -> tuple[int, int, _Mode, str] | None:
        """Connector, crtc, mode and name of a connected display; None where nothing is plugged in."""
        told = self._ask(_CONNECTOR, _Connector(connector=connector))
        if told.connection != CONNECTED or not told.count_modes or not told.count_encoders:
            return None
        modes, encoders = (_Mode * told.count_modes)(), (ctypes.c_uint32 * told.count_encoders)()
        asked = _Connector(connector=connector, count_modes=told.count_modes, count_encoders=told.count_encoders)
        asked.modes, asked.encoders = ctypes.addressof(modes), ctypes.addressof(encoders)
        self._ask(_CONNECTOR, asked)
        mode = next((one for one in modes if one.type & PREFERRED), modes[0])
        kind = CONNECTOR_TYPES[told.type] if told.type < len(CONNECTOR_TYPES) else "Unknown"
        name = f"{kind}-{told.type_id}"
        for encoder in [told.encoder] * bool(told.encoder) + list(encoders):
            found = self._ask(_ENCODER, _Encoder(encoder=encoder))
            if found.crtc in crtcs and found.crtc:
                return connector, int(found.crtc), mode, name
            for place, crtc in enumerate(crtcs):
                if found.possible_crtcs & (1 << place):
                    return connector, crtc, mode, name
        return None

    def _tell_dirty(self, places: Sequence[pygame.Rect]) -> None:
        """Name what changed to the displays (virtual, USB) that copy only that; the others know no such call."""
        if not places:
            return
        clips = (_Clip * len(places))(*[_Clip(one.left, one.top, one.right, one.bottom) for one in places])
        with suppress(OSError):
            self._ask(_DIRTY, _Dirty(fb=self._buffer, count_clips=len(places), clips=ctypes.addressof(clips)))

    def _ask(self, number: int, told: Any) -> Any:  # noqa: ANN401 - a structure goes in, and comes back filled
        """One call of the kernel's mode-setting. Raises OSError."""
        code = 3 << 30 | ctypes.sizeof(told) << 16 | ord("d") << 8 | number
        fcntl.ioctl(self._file, code, told)
        return told

    def _leave(self) -> None:
        """Close the device, which frees the picture and its buffer; the console returns.

        A mapping left over would keep the device, and with it the display, from the next one who opens it.
        """
        if self._terminal is not None:
            self._terminal.leave(self)
        if self._map is not None:
            del self._pixels
            self._map.close()
            self._map = None
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


def _terminal() -> Terminal | None:
    """Return the terminal under the picture; where it refuses, the picture is shown all the same."""
    try:
        return terminal_here()
    except (OSError, termios.error) as error:
        _log.warning("The terminal under the picture cannot be held, so its text may be seen: %s", error)
        return None
