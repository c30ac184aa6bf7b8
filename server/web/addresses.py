"""Where a request comes from. Proxies that are trusted are dealt with before Django (`server.web.serving`)."""

from ipaddress import ip_address

from django.http import HttpRequest


def client_address(request: HttpRequest) -> str:
    """Return the caller's address, as the server that took the connection knows it."""
    return str(request.META.get("REMOTE_ADDR", ""))


def is_loopback(address: str) -> bool:
    """Whether only this computer can reach it."""
    try:
        return address == "localhost" or ip_address(address).is_loopback
    except ValueError:
        return False
