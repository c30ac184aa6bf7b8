"""The kept sums, and on PostgreSQL the triggers that say which of them no longer hold."""

import django.db.models.deletion
from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

# «now» is whatever a statement made, changed (before and after) or removed. Rows are taken in one order, so that two
# transactions do not wait for each other in a circle.
CHANGED = """
CREATE FUNCTION network_entries_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO network_quartersum (clinic_id, quarter, changes, summed, sums)
    SELECT DISTINCT clinic_id,
           extract(year FROM begun_on)::int * 4 + extract(quarter FROM begun_on)::int - 1 AS quarter, 1, 0, '{}'::jsonb
    FROM changed
    ORDER BY clinic_id, quarter
    ON CONFLICT (clinic_id, quarter) DO UPDATE SET changes = network_quartersum.changes + 1;
    RETURN NULL;
END
$$
"""
TRIGGER = """
CREATE TRIGGER {name} AFTER {act} ON diary_diaryentry REFERENCING {table} TABLE AS changed
FOR EACH STATEMENT EXECUTE FUNCTION network_entries_changed()
"""
TRIGGERS = (
    ("network_made", "INSERT", "NEW"),
    ("network_before", "UPDATE", "OLD"),
    ("network_after", "UPDATE", "NEW"),
    ("network_removed", "DELETE", "OLD"),
)
THERE_ALREADY = """
INSERT INTO network_quartersum (clinic_id, quarter, changes, summed, sums)
SELECT DISTINCT clinic_id, extract(year FROM begun_on)::int * 4 + extract(quarter FROM begun_on)::int - 1, 1, 0,
       '{}'::jsonb
FROM diary_diaryentry
"""


def watch(_apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
    """Make the triggers, and a row for each quarter that has entries."""
    if editor.connection.vendor != "postgresql":
        return
    editor.execute(CHANGED, None)
    for name, act, table in TRIGGERS:
        editor.execute(TRIGGER.format(name=name, act=act, table=table), None)
    editor.execute(THERE_ALREADY, None)


def unwatch(_apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
    """Take them away."""
    if editor.connection.vendor != "postgresql":
        return
    for name, _act, _table in TRIGGERS:
        editor.execute(f"DROP TRIGGER {name} ON diary_diaryentry", None)
    editor.execute("DROP FUNCTION network_entries_changed()", None)


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("clinics", "0002_invitations"),
        ("diary", "0002_late_sessions"),
    ]

    operations = [
        migrations.CreateModel(
            name="QuarterSum",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("quarter", models.IntegerField()),
                ("changes", models.BigIntegerField(default=1)),
                ("summed", models.BigIntegerField(default=0)),
                ("sums", models.JSONField(default=dict)),
                (
                    "clinic",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="clinics.clinic"
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("clinic", "quarter"), name="quarter_sum_once")],
            },
        ),
        migrations.RunPython(watch, unwatch),
    ]
