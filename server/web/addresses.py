"""Where a request comes from. Proxies that are trusted are dealt with before Django (`server.web.serving`)."""

from django.http import HttpRequest


def client_address(request: HttpRequest) -> str:
    """The caller's address, as the server that took the connection knows it."""
    return str(request.META.get("REMOTE_ADDR", ""))
