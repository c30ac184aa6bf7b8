"""The front page: straight to the one place where work is done, or a choice where there are several clinics."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from server.accounts.access import account_of, for_account
from server.accounts.memberships import held_by, holds_in, waiting
from server.accounts.models import Clinic
from server.web.context import network, places_in


@for_account
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Lead on, or let choose."""
    account = account_of(request)
    held = held_by(account)
    mine = [one for one in Clinic.objects.order_by("name") if any(holds_in(role, one) for role in held)]
    reachable = [(clinic, places) for clinic in mine if (places := places_in(account, clinic))]
    beyond = network(account)
    if len(reachable) == 1:
        # The way to the network stands in that place's frame.
        return redirect(reachable[0][1][0].href)
    if beyond and not reachable:
        return redirect(beyond[0].href)
    return render(
        request,
        "web/home.html",
        {"clinics": reachable, "beyond": beyond, "waits": waiting().filter(account=account).exists()},
    )
