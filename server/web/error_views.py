"""The pages for what does not work: said in words, with what to do, and nothing of the inside."""

from http import HTTPStatus

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import translation
from django.utils.translation import gettext as _

from server.limits.hashing import TRY_AGAIN_S


def _page(request: HttpRequest, status: HTTPStatus, title: str, text: str) -> HttpResponse:
    return render(request, "web/failure.html", {"title": title, "text": text}, status=status)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """400."""
    del exception
    return _page(request, HTTPStatus.BAD_REQUEST, _("Bad request"), _("Go back to the page and try once more."))


def refused(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """403."""
    del exception
    return _page(
        request,
        HTTPStatus.FORBIDDEN,
        _("You may not do that"),
        _("Your role does not include it. Ask the clinic's administrator if you need it."),
    )


def no_form_token(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403 for a form without its token: an old page, or another site's."""
    del reason
    return _page(
        request,
        HTTPStatus.FORBIDDEN,
        _("The form was too old"),
        _("You may have logged in or out since the page was opened. Open the page again and send it once more."),
    )


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """404: it does not exist, or not for this account."""
    del exception
    return _page(
        request,
        HTTPStatus.NOT_FOUND,
        _("There is no such page here"),
        _("It may have been moved or deleted, or your account may not see it."),
    )


def unreadable(request: HttpRequest) -> HttpResponse:
    """422: what is kept of a session makes no page and no file."""
    return _page(
        request,
        HTTPStatus.UNPROCESSABLE_ENTITY,
        _("This session cannot be shown"),
        _("Some of its data cannot be read, so neither page nor file can be made of it. What is kept is unchanged."),
    )


def busy_page() -> bytes:
    """Return that page in each language, for requests that are refused before their language is known."""
    parts = []
    for language, _name in settings.LANGUAGES:
        with translation.override(language):
            title, text = _("Too much at once"), _("Many people are logging in. Wait a few seconds, and try again.")
            parts.append(f'<section lang="{language}"><h1>{title}</h1><p>{text}</p></section>')
    return f'<!doctype html><html><meta charset="utf-8"><title>interval-coach</title>{"".join(parts)}</html>'.encode()


def busy(request: HttpRequest) -> HttpResponse:
    """503: too many passwords wait to be checked."""
    text = _("Many people are logging in. Wait a few seconds, and try again.")
    response = _page(request, HTTPStatus.SERVICE_UNAVAILABLE, _("Too much at once"), text)
    response.headers["Retry-After"] = str(TRY_AGAIN_S)
    return response


def broken(request: HttpRequest) -> HttpResponse:
    """500. Drawn without the database, which may be what broke."""
    del request
    title = _("Something went wrong here")
    text = _("What you did may not have been saved. Try again in a moment; tell technical support if it stays so.")
    return HttpResponse(
        f'<!doctype html><html lang="nb"><meta charset="utf-8"><title>{title}</title><h1>{title}</h1><p>{text}</p>'
        f'<p><a href="/">interval-coach</a></p></html>',
        status=HTTPStatus.INTERNAL_SERVER_ERROR,
    )
