"""Whether pages look light or dark: the account's choice, else as the device says."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_POST

from server.accounts.access import account_of, for_account
from server.accounts.models import Account, Theme
from server.web.language import go_back


@for_account
@require_POST
def choose(request: HttpRequest) -> HttpResponse:
    """Keep the choice for the account, and go back to the page."""
    theme = request.POST.get("theme", "")
    if theme in ("", *Theme.values):
        Account.objects.filter(pk=account_of(request).pk).update(theme=theme)
    return go_back(request)
