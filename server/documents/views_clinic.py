"""Papers and files of a whole clinic: activity report, procedure codes, a package from elsewhere, research."""

from datetime import timedelta
from http import HTTPStatus

from django.contrib import messages
from django.core import signing
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from server.accounts.access import account_of, after_proof, in_clinic
from server.accounts.memberships import allowed, clinics_where
from server.accounts.models import Account, Clinic
from server.accounts.roles import Permission
from server.audit.record import record
from server.documents import file_responses
from server.documents.errors import HandoverError, PaperError
from server.documents.export import activity, research, transfer, transfer_file
from server.documents.export.research_fields import FIELDS
from server.documents.export.synthesis import MIN_PEOPLE
from server.documents.forms import PeriodForm, ResearchForm, TakeOverCheckForm, TakeOverForm, TransferCodeForm
from server.documents.models import HeldPackage, KnownSender, ProcedureCode, ResearchRelease
from server.documents.pdf import pdf_documents

GET_OR_POST = ["GET", "HEAD", "POST"]
SALT = "papers.take_over"
HELD_FOR = timedelta(hours=1)


def _period(request: HttpRequest) -> tuple[PeriodForm, activity.ActivityPeriod | None]:
    """Return the period that is asked for; without one the last whole month."""
    if "first" not in request.GET and "last" not in request.GET:
        period = activity.ActivityPeriod.month_before(timezone.localdate())
        initial = {"first": period.first.isoformat(), "last": period.last.isoformat()}
        return PeriodForm(initial), period
    form = PeriodForm(request.GET)
    if not form.is_valid():
        return form, None
    return form, activity.ActivityPeriod(form.cleaned_data["first"], form.cleaned_data["last"])


def _report(request: HttpRequest, clinic: Clinic) -> activity.ActivityReport:
    """Return the report. Raises Http404 where no such period can be."""
    _form, period = _period(request)
    if period is None:
        raise Http404
    record(
        account_of(request),
        "papers.report",
        clinic=clinic,
        may=Permission.REPORT_ACTIVITY,
        period=_format_period(period),
    )
    return activity.report(clinic, period)


def _format_period(period: activity.ActivityPeriod) -> str:
    return f"{period.first} – {period.last}"


@require_safe
@in_clinic(Permission.REPORT_ACTIVITY)
def reports(request: HttpRequest, clinic: Clinic) -> HttpResponse:
    """Return the report of a period."""
    form, period = _period(request)
    report = None
    if period is not None:
        record(
            account_of(request),
            "papers.report",
            clinic=clinic,
            may=Permission.REPORT_ACTIVITY,
            period=_format_period(period),
        )
        report = activity.report(clinic, period)
    account = account_of(request)
    shown = {
        "clinic": clinic,
        "form": form,
        "report": report,
        "query": "" if period is None else f"first={period.first}&last={period.last}",
        "may_codes": allowed(account, clinic, Permission.MANAGE_CODES),
        "may_take_over": allowed(account, clinic, Permission.HAND_OVER),
    }
    return render(request, "papers/reports.html", shown)


@require_safe
@in_clinic(Permission.REPORT_ACTIVITY)
def report_csv(request: HttpRequest, clinic: Clinic) -> HttpResponse:
    """Return the report as a table."""
    report = _report(request, clinic)
    name = f"{clinic.code}-{report.period.first}-{report.period.last}.csv"
    return file_responses.file_answer(activity.report_csv(report), file_responses.CSV, name)


@require_safe
@in_clinic(Permission.REPORT_ACTIVITY)
def report_xlsx(request: HttpRequest, clinic: Clinic) -> HttpResponse:
    """Answer with the report as a workbook."""
    report = _report(request, clinic)
    name = f"{clinic.code}-{report.period.first}-{report.period.last}.xlsx"
    return file_responses.file_answer(activity.report_xlsx(report), file_responses.XLSX, name)


@require_safe
@in_clinic(Permission.REPORT_ACTIVITY)
def report_pdf(request: HttpRequest, clinic: Clinic) -> HttpResponse:
    """Return the report on paper."""
    with translation.override(file_responses.language_of(request)):
        report = _report(request, clinic)
        made = pdf_documents.report_paper(report, clinic.name)
    return file_responses.file_answer(
        made, file_responses.PDF, f"{clinic.code}-{report.period.first}-{report.period.last}.pdf"
    )


@require_http_methods(GET_OR_POST)
@in_clinic(Permission.MANAGE_CODES)
def codes(request: HttpRequest, clinic: Clinic) -> HttpResponse:
    """Return the clinic's procedure codes."""
    form = TransferCodeForm(request.POST if request.method == "POST" else None, clinic=clinic)
    status = HTTPStatus.OK
    if request.method == "POST":
        if form.is_valid():
            code = form.save()
            record(account_of(request), "papers.code_made", clinic=clinic, may=Permission.MANAGE_CODES, code=code.code)
            messages.success(request, _("The code is added."))
            return redirect("papers:codes", clinic.code)
        status = HTTPStatus.UNPROCESSABLE_ENTITY
    shown = {"clinic": clinic, "form": form, "codes": ProcedureCode.objects.filter(clinic=clinic)}
    return render(request, "papers/codes.html", shown, status=status)


@require_POST
@in_clinic(Permission.MANAGE_CODES)
def remove_code(request: HttpRequest, clinic: Clinic, code: int) -> HttpResponse:
    """Take a code away; reports count it no more."""
    found = get_object_or_404(ProcedureCode, clinic=clinic, pk=code)
    record(account_of(request), "papers.code_removed", clinic=clinic, may=Permission.MANAGE_CODES, code=found.code)
    found.delete()
    messages.success(request, _("The code is taken away."))
    return redirect("papers:codes", clinic.code)


@require_http_methods(GET_OR_POST)
@in_clinic(Permission.HAND_OVER)
def take_over(request: HttpRequest, clinic: Clinic) -> HttpResponse:
    """Take in a package from another clinic: read it, show what it is and who sent it, and take it in or merge it."""
    account = account_of(request)
    if "order" in request.POST:
        return _check_package(request, clinic, account)
    form = TakeOverForm(request.POST, request.FILES) if request.method == "POST" else TakeOverForm()
    if request.method == "POST" and form.is_valid():
        content, passphrase = form.cleaned_data["file"].read(), form.cleaned_data["passphrase"]
        try:
            opened = transfer.open_package(content, passphrase)
        except HandoverError as error:
            record(account, "papers.take_over_refused", clinic=clinic, may=Permission.HAND_OVER)
            form.add_error(None, str(error))
        else:
            HeldPackage.objects.filter(made_at__lt=timezone.now() - HELD_FOR).delete()
            held = HeldPackage.objects.create(clinic=clinic, account=account, content=content)
            order = signing.dumps({"held": str(held.token), "passphrase": passphrase}, salt=SALT)
            return _show_package(request, clinic, opened, order)
    status = HTTPStatus.UNPROCESSABLE_ENTITY if request.method == "POST" else HTTPStatus.OK
    return render(request, "papers/take_over.html", {"clinic": clinic, "form": form}, status=status)


def _check_package(request: HttpRequest, clinic: Clinic, account: Account) -> HttpResponse:
    """Take in, or merge, the package that was uploaded before."""
    order = request.POST["order"]
    try:
        told = signing.loads(order, salt=SALT, max_age=HELD_FOR)
    except signing.BadSignature:
        told = {}
    held = HeldPackage.objects.filter(token=told.get("held"), clinic=clinic, account=account).first()
    if held is None:
        messages.error(request, _("The file was uploaded more than an hour ago. Choose it again."))
        return redirect("papers:take_over", clinic.code)
    opened = transfer.open_package(bytes(held.content), told["passphrase"])
    matches = transfer.find_matches(opened.package, clinic)
    sender = proved_sender(opened, clinic)
    form = TakeOverCheckForm(request.POST, matches, known=sender != "" or not opened.sender)
    if not form.is_valid():
        return _show_package(request, clinic, opened, order, form)
    into = form.chosen(matches)
    try:
        participant = transfer.take_over(opened, clinic, account, into)
    except HandoverError as error:
        form.add_error(None, str(error))
        return _show_package(request, clinic, opened, order, form)
    if form.cleaned_data.get("known"):
        known = {"name": opened.package.from_clinic_name[:100], "made_by": account}
        KnownSender.objects.get_or_create(clinic=clinic, fingerprint=opened.sender, defaults=known)
    held.delete()
    if into is None:
        messages.success(request, _("The participant is imported. Review the plan and save it again."))
    else:
        messages.success(request, _("The file is merged with this participant. The plan is as it was."))
    return redirect("papers_of:index", clinic.code, participant.pseudonym)


def _show_package(
    request: HttpRequest, clinic: Clinic, opened: transfer.Opened, order: str, form: TakeOverCheckForm | None = None
) -> HttpResponse:
    """Show what a package is and who sent it, before anything is written."""
    sender = proved_sender(opened, clinic)
    if form is None:
        matches = transfer.find_matches(opened.package, clinic)
        form = TakeOverCheckForm(None, matches, known=sender != "" or not opened.sender)
    shown = {
        "clinic": clinic,
        "form": form,
        "order": order,
        "package": opened.package,
        "fingerprint": opened.sender,
        "sender": sender,
        "sure": any(one.sure for one in transfer.find_matches(opened.package, clinic)),
    }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    return render(request, "papers/take_over_check.html", shown, status=status)


def proved_sender(opened: transfer.Opened, clinic: Clinic) -> str:
    """Return the name of the clinic that signed a package, where its key is known here; else an empty text."""
    if not opened.sender:
        return ""
    neighbour = Clinic.objects.filter(code=opened.package.from_clinic).first()
    if neighbour is not None and transfer_file.own_fingerprint(neighbour.code) == opened.sender:
        return neighbour.name
    known = KnownSender.objects.filter(clinic=clinic, fingerprint=opened.sender).first()
    return "" if known is None else known.name


@require_http_methods(GET_OR_POST)
@in_clinic(Permission.EXPORT_RESEARCH)
@after_proof("GET", "POST")
def research_export(request: HttpRequest, clinic: Clinic) -> HttpResponseBase:
    """Make the release of a question for research, and list the releases that were made."""
    account = account_of(request)
    form = ResearchForm(request.POST if request.method == "POST" else None)
    theirs = list(clinics_where(account, Permission.EXPORT_RESEARCH))
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            made = research.release(
                theirs if given["everywhere"] else [clinic],
                account,
                question=given["question"],
                fields=form.chosen,
                curve=given["curve"],
            )
        except PaperError as error:
            form.add_error(None, str(error))
        else:
            return _release_answer(made)
    shown = {
        "clinic": clinic,
        "form": form,
        "consenting": research.consenting([clinic]),
        "tables": research.dictionary(FIELDS, curve=True),
        "k": MIN_PEOPLE,
        "most": research.MOST_A_YEAR,
        "releases": _releases(clinic, theirs).defer("content"),
    }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if request.method == "POST" else HTTPStatus.OK
    return render(request, "papers/research.html", shown, status=status)


@require_safe
@in_clinic(Permission.EXPORT_RESEARCH)
@after_proof("GET")
def research_release(request: HttpRequest, clinic: Clinic, release: int) -> HttpResponseBase:
    """Answer with the file of a release again."""
    account = account_of(request)
    theirs = list(clinics_where(account, Permission.EXPORT_RESEARCH))
    found = get_object_or_404(_releases(clinic, theirs), pk=release)
    record(account, "papers.research_fetched", clinic=clinic, may=Permission.EXPORT_RESEARCH, id=found.pk)
    return _release_answer(found)


def _releases(clinic: Clinic, theirs: list[Clinic]) -> QuerySet[ResearchRelease]:
    """Return the clinic's releases, of clinics alone from which all may be exported."""
    foreign = ResearchRelease.clinics.through.objects.exclude(clinic__in=theirs).values("researchrelease")
    return ResearchRelease.objects.filter(clinics=clinic).exclude(pk__in=foreign)


def _release_answer(made: ResearchRelease) -> HttpResponseBase:
    day = timezone.localdate(made.made_at)
    return file_responses.file_answer(bytes(made.content), file_responses.ZIP, f"research-{made.pk}-{day}.zip")
