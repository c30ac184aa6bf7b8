"""Why a part did not answer, in the language of the set-up: what the system says of it is English."""

import errno
import socket
import ssl

from firmware.setup.texts import SetupTexts

_BY_NUMBER = {
    errno.ENOENT: "why_missing",
    errno.ENODEV: "why_missing",
    errno.ENXIO: "why_missing",
    errno.EACCES: "why_forbidden",
    errno.EPERM: "why_forbidden",
    errno.EBUSY: "why_busy",
    errno.EIO: "why_silent",
    errno.EREMOTEIO: "why_silent",
    errno.ETIMEDOUT: "why_silent",
    errno.ECONNREFUSED: "why_refused",
    errno.ENETUNREACH: "why_no_network",
    errno.EHOSTUNREACH: "why_no_network",
}


def explain(error: BaseException, say: SetupTexts) -> str:
    """Return the reason in the set-up's language, by the system's error underneath; else the error's own words."""
    cause: BaseException | None = error
    while cause is not None:
        key = _key_of(cause)
        if key is not None:
            return say(key)
        cause = cause.__cause__
    return str(error)


def _key_of(error: BaseException) -> str | None:
    match error:
        case ssl.SSLError():
            return "why_certificate"
        case socket.gaierror():
            return "why_unknown_name"
        case TimeoutError():
            return "why_silent"
        case OSError():
            return _BY_NUMBER.get(error.errno or 0)
        case _:
            return None
