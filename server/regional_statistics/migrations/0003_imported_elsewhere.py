"""What was imported counts where it was trained: sums kept before the imported sessions were marked are made again."""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

SUM_AGAIN = """
UPDATE network_quartersum AS kept SET changes = changes + 1
WHERE EXISTS (
    SELECT 1 FROM diary_diaryentry AS entry JOIN diary_importedsession AS mark ON mark.session_id = entry.session_id
    WHERE entry.clinic_id = kept.clinic_id
      AND extract(year FROM entry.begun_on)::int * 4 + extract(quarter FROM entry.begun_on)::int - 1 = kept.quarter
)
"""


def sum_again(_apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
    """Say of the quarters with an imported session that what is kept holds no more."""
    if editor.connection.vendor == "postgresql":
        editor.execute(SUM_AGAIN, None)


class Migration(migrations.Migration):
    dependencies = [
        ("network", "0002_courses_kept"),
        ("papers", "0004_mark_reassigned_imports"),
    ]

    operations = [migrations.RunPython(sum_again, migrations.RunPython.noop)]
