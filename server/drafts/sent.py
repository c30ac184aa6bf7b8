"""Forgets a draft once its form was sent and taken: the answer leads on, or is the file that was asked for."""

from http import HTTPStatus
from urllib.parse import urlsplit

from django.contrib.messages import WARNING
from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse
from django.utils.deprecation import MiddlewareMixin

from server.accounts.models import Account
from server.drafts.keeping import MOST, forget_drafts

FIELD = "_draft"


class SentDraftsMiddleware(MiddlewareMixin):
    """Looks at each form's answer. What is answered with a page, or with a word of warning, was not taken."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Forget the draft that the form names."""
        if request.method == "POST" and _is_form(request) and FIELD in request.POST:
            user = getattr(request, "user", None)
            if isinstance(user, Account) and user.pk and _taken(request, response):
                forget_drafts(user, tuple(request.POST.getlist(FIELD))[:MOST])
        return response


def _is_form(request: HttpRequest) -> bool:
    return request.content_type in ("application/x-www-form-urlencoded", "multipart/form-data")


def _taken(request: HttpRequest, response: HttpResponseBase) -> bool:
    if response.status_code == HTTPStatus.OK:
        return "attachment" in response.headers.get("Content-Disposition", "")
    if response.status_code not in (HTTPStatus.FOUND, HTTPStatus.SEE_OTHER):
        return False
    to = urlsplit(response.headers.get("Location", "")).path
    if to.startswith(reverse("web:log_in")) or to == reverse("web:confirm"):
        return False
    said = getattr(request, "_messages", None)
    return all(one.level < WARNING for one in getattr(said, "_queued_messages", ()))
