"""Sessions that came with a package before the mark was known, and counted for another participant since."""

from typing import Any

from django.db import migrations

NAME_VERSION = 5
"""RFC 9562: an id that was made from a name. Only packages make such ids; a machine's ids have version 7."""


def mark_the_others(apps: Any, schema_editor: Any) -> None:  # noqa: ANN401 - Django's own
    """Mark what 0003 passed over because another participant, or none, has the session now."""
    alias = schema_editor.connection.alias
    marks = apps.get_model("diary", "ImportedSession").objects.using(alias)
    entries = apps.get_model("diary", "DiaryEntry").objects.using(alias)
    moved = apps.get_model("diary", "Reassignment").objects.using(alias)
    taken_over = apps.get_model("papers", "TakenOver").objects.using(alias)
    if not taken_over.exists():
        return
    unmarked = entries.filter(reassignments__isnull=False).exclude(session_id__in=marks.values("session_id"))
    for pk, session_id in unmarked.values_list("pk", "session_id").distinct():
        if session_id.version != NAME_VERSION:
            continue
        whose = moved.filter(entry=pk).order_by("pk").values_list("before", flat=True).first()
        package = taken_over.filter(participant=whose).order_by("pk").first()
        name, _, code = ("" if package is None else package.from_clinic).rpartition(" (")
        marks.create(session_id=session_id, clinic_code=code.rstrip(")")[:32], clinic_name=name or code, first_id="")


class Migration(migrations.Migration):
    dependencies = [
        ("diary", "0003_imported_sessions"),
        ("papers", "0003_proved_senders"),
    ]

    operations = [migrations.RunPython(mark_the_others, migrations.RunPython.noop)]
