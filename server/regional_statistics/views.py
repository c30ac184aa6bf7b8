"""The network's pages: clinics side by side, a clinic against its region, protocols and groups. Sums alone."""

import csv
import io

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from server.accounts.access import account_of, in_clinic, in_some_clinic
from server.accounts.models import Clinic
from server.accounts.roles import Permission
from server.audit.record import record
from server.regional_statistics import page, query_params
from server.regional_statistics.formatting import MEASURES, period_words
from server.regional_statistics.periods import MONTHS, Quarters, ReportingPeriod, span_until
from server.regional_statistics.publication import along, by_kind, compare, release


class _Steps:
    """The way to the period before and after, and between months and quarters."""

    def __init__(self, period: ReportingPeriod, span: Quarters) -> None:
        newest, oldest = query_params.newest_over(span, period.kind), query_params.oldest(span, period.kind)
        self.before = period.beside(-1) if period.number > oldest.number else None
        self.after = period.beside(1) if period.number < newest.number else None
        self.words = period_words(period)
        self.before_words = period_words(self.before) if self.before else ""
        self.after_words = period_words(self.after) if self.after else ""


def _context(scope: query_params.Scope, period: ReportingPeriod, span: Quarters) -> dict[str, object]:
    return {
        "scope": scope,
        "period": period,
        "steps": _Steps(period, span),
        "measures": MEASURES,
        "region": scope.chosen.code if scope.chosen else "",
        "more": f"&region={scope.chosen.code}" if scope.chosen else "",
        **_either(period, span),
    }


def _either(period: ReportingPeriod, span: Quarters) -> dict[str, str]:
    """Return the month and the quarter that the switch between them leads to."""
    newest = query_params.newest_over(span, "month"), query_params.newest_over(span, "quarter")
    month = period.number if period.kind == "month" else period.number * MONTHS + MONTHS - 1
    return {
        "month_text": ReportingPeriod("month", min(month, newest[0].number)).text,
        "quarter_text": ReportingPeriod("quarter", min(period.quarter, newest[1].number)).text,
    }


@require_safe
@in_some_clinic(Permission.SEE_AGGREGATES)
def index(request: HttpRequest) -> HttpResponse:
    """Clinics side by side in a month or a quarter, and along the months."""
    scope = query_params.scope(request, account_of(request))
    span = span_until(scope.today)
    period = query_params.period(request, span)
    record(account_of(request), "network.seen", region=scope.chosen.code if scope.chosen else "", period=period.text)
    found = release(scope, span)
    compared = compare(found, period)
    name = _("All that is shown") if len(scope.clinics) != 1 else scope.clinics[0].name
    plots, drawn = page.plots(along(found), span, name)
    context = {
        **_context(scope, period, span),
        "lines": page.lines(compared),
        "all": compared.all,
        "told": sum(row.figures is not None for row in compared.rows),
        "plots": plots,
        "drawn": drawn,
        "tab": "index",
    }
    return render(request, "network/index.html", context)


@require_safe
@in_some_clinic(Permission.SEE_AGGREGATES)
def as_csv(request: HttpRequest) -> HttpResponse:
    """Return the same table as CSV."""
    scope = query_params.scope(request, account_of(request))
    span = span_until(scope.today)
    period = query_params.period(request, span)
    record(
        account_of(request), "network.exported", region=scope.chosen.code if scope.chosen else "", period=period.text
    )
    compared = compare(release(scope, span), period)
    text = io.StringIO(newline="")
    csv.writer(text).writerows(page.csv_rows(compared, period))
    answer = HttpResponse("\ufeff" + text.getvalue(), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="clinics-{period.text}.csv"'
    return answer


@require_safe
@in_some_clinic(Permission.SEE_AGGREGATES)
def kinds(request: HttpRequest) -> HttpResponse:
    """Return a quarter by protocol or by group."""
    by = request.GET.get("by", "protocol")
    if by not in ("protocol", "group"):
        raise Http404
    scope = query_params.scope(request, account_of(request))
    span = span_until(scope.today)
    period = query_params.period(request, span, quarters_only=True)
    record(
        account_of(request), "network.seen", region=scope.chosen.code if scope.chosen else "", period=period.text, by=by
    )
    found = by_kind(release(scope, span), period, by)
    context = {
        **_context(scope, period, span),
        "by": by,
        "more": f"{_context(scope, period, span)['more']}&by={by}",
        "lines": page.kind_lines(found, by),
        "measures": page.KINDS,
        "tab": by,
    }
    return render(request, "network/kinds.html", context)


@require_safe
@in_clinic(Permission.SEE_AGGREGATES)
def clinic(request: HttpRequest, clinic: Clinic) -> HttpResponse:
    """One clinic against the middle of its region."""
    scope = query_params.scope_of(clinic)
    span = span_until(scope.today)
    period = query_params.period(request, span)
    record(account_of(request), "network.seen", clinic=clinic, may=Permission.SEE_AGGREGATES, period=period.text)
    found = release(scope, span)
    compared = compare(found, period)
    plots, drawn = page.plots(along(found, clinic), span, clinic.name)
    context = {
        **_context(found.scope, period, span),
        "clinic": clinic,
        "lines": page.lines(compared),
        "plots": plots,
        "drawn": drawn,
        "tab": "clinic",
    }
    return render(request, "network/clinic.html", context)
