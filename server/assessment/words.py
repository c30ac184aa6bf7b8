"""How a clearance is said: its state in a sentence, and its list."""

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from server.assessment.clearance import ClearanceState, ClearanceStatus
from server.assessment.models import Clearance


def state_words(status: ClearanceStatus) -> str:
    """Return the state in one or two sentences: what holds, until when, and what to do."""
    told = {"day": date_format(status.last_day, "DATE_FORMAT")}
    match status.state:
        case ClearanceState.CLEARED:
            return _("Cleared for hard intervals until %(day)s.") % told
        case ClearanceState.GRACE:
            return (
                _(
                    "No clearance is recorded. The plan goes on until %(day)s; after that the machines allow moderate "
                    "effort only. Ask a doctor for a clearance before then."
                )
                % told
            )
        case ClearanceState.MISSING:
            return _("No clearance is recorded, so only moderate effort can be planned.")
        case ClearanceState.EXPIRED:
            return _("The clearance expired on %(day)s, so only moderate effort can be planned. Renew it.") % told
        case ClearanceState.MODERATE:
            return _("Cleared for moderate effort only.")
        case ClearanceState.RENEWAL:
            return _(
                "A yes to chest pain or fainting before a start ended the clearance. Only moderate effort can be "
                "planned until it is renewed, or until you write why it still holds."
            )


def mark_words(status: ClearanceStatus) -> str:
    """Return the state in a few words."""
    return {
        ClearanceState.CLEARED: _("cleared"),
        ClearanceState.GRACE: _("clearance missing"),
        ClearanceState.MISSING: _("clearance missing"),
        ClearanceState.EXPIRED: _("clearance expired"),
        ClearanceState.MODERATE: _("moderate effort only"),
        ClearanceState.RENEWAL: _("clearance must be renewed"),
    }[status.state]


def list_words(kept: Clearance) -> str:
    """Return which list was used, with its version."""
    if kept.list_version:
        return _("this product's list, version %(version)s") % {"version": kept.list_version}
    return kept.list_name
