"""Which language a page is in: the reader's choice in this browser, else bokmål."""

from http import HTTPStatus

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone, translation
from django.utils.deprecation import MiddlewareMixin
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from server.accounts.access import for_nobody_in_particular
from server.accounts.models import Account

A_YEAR_S = 365 * 86_400


def languages() -> tuple[str, ...]:
    """Return the languages that the pages speak."""
    return tuple(code for code, _ in settings.LANGUAGES)


class LanguageMiddleware(MiddlewareMixin):
    """Turns the language on for each request, and no clinic's time zone yet."""

    def process_request(self, request: HttpRequest) -> None:
        """Take the language that the cookie names."""
        chosen = request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME, "")
        translation.activate(chosen if chosen in languages() else settings.LANGUAGE_CODE)
        request.LANGUAGE_CODE = translation.get_language()
        timezone.deactivate()


def remember(response: HttpResponse, language: str) -> None:
    """Keep the choice in this browser."""
    response.set_cookie(
        settings.LANGUAGE_COOKIE_NAME,
        language,
        max_age=A_YEAR_S,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def go_back(request: HttpRequest) -> HttpResponseRedirect:
    """Return the way back to the page that the form names."""
    back = request.POST.get("back", "/")
    if not url_has_allowed_host_and_scheme(back, allowed_hosts=None):
        back = "/"
    return HttpResponseRedirect(back, status=HTTPStatus.SEE_OTHER)


@for_nobody_in_particular
@require_POST
def choose(request: HttpRequest) -> HttpResponse:
    """Change the language, here and for the account, and go back to the page."""
    language = request.POST.get("language", "")
    response = go_back(request)
    if language in languages():
        remember(response, language)
        if isinstance(request.user, Account):
            Account.objects.filter(pk=request.user.pk).update(language=language)
    return response
