"""The list of contraindications that a clearance goes through, with its version.

A clearance keeps the version. A changed list gets a new version here, and the old one stays readable.

Source: ACSM's absolute and relative contraindications to exercise, and additions for people in addiction and mental
health care. [to be confirmed by a clinician]
"""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from msgspec import Struct


class ContraindicationList(Struct, frozen=True):
    """One version of the list: what rules hard training out, what a doctor weighs, and what this group adds."""

    absolute: tuple[str | Promise, ...]
    relative: tuple[str | Promise, ...]
    added: tuple[str | Promise, ...]


NEWEST = "2026-11"
LISTS: dict[str, ContraindicationList] = {
    "2026-11": ContraindicationList(
        absolute=(
            _("heart attack within two days, or new changes in the ECG"),
            _("unstable angina"),
            _("uncontrolled arrhythmia"),
            _("severe aortic stenosis with symptoms"),
            _("uncontrolled heart failure"),
            _("acute pulmonary embolism"),
            _("acute myocarditis or pericarditis"),
            _("aortic dissection"),
            _("acute infection with fever"),
        ),
        relative=(
            _("left main coronary stenosis"),
            _("moderate valve stenosis"),
            _("electrolyte disturbance"),
            _("resting blood pressure above 200 systolic or 110 diastolic"),
            _("tachyarrhythmia or bradyarrhythmia"),
            _("hypertrophic cardiomyopathy"),
            _("illness of joints or nerves that exercise makes worse"),
            _("high-degree AV block"),
            _("ventricular aneurysm"),
            _("uncontrolled diabetes or thyroid disease"),
            _("not able to cooperate"),
        ),
        added=(
            _("sudden death in the family before the age of 50"),
            _("fainting on effort"),
            _("QTc above 500 ms"),
            _("eating disorder or low potassium"),
            _("endocarditis"),
            _("withdrawal"),
            _("pregnancy"),
            _("acute psychosis"),
        ),
    ),
}
