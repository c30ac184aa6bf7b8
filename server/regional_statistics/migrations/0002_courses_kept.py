"""How courses were followed is kept with the sums: what changes a course says which of them no longer hold."""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

# As for the diary's entries: each quarter that a made, changed or removed course reaches into, in one order.
CHANGED = """
CREATE FUNCTION network_courses_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO network_quartersum (clinic_id, quarter, changes, summed, sums)
    SELECT DISTINCT person.clinic_id,
           extract(year FROM reached)::int * 4 + extract(quarter FROM reached)::int - 1 AS quarter, 1, 0, '{}'::jsonb
    FROM changed JOIN people_participant AS person ON person.id = changed.participant_id
    CROSS JOIN generate_series(date_trunc('quarter', changed.begins_on),
                               changed.begins_on + greatest(changed.weeks, 1) * interval '7 days',
                               interval '3 months') AS reached
    ORDER BY 1, 2
    ON CONFLICT (clinic_id, quarter) DO UPDATE SET changes = network_quartersum.changes + 1;
    RETURN NULL;
END
$$
"""
TRIGGER = """
CREATE TRIGGER {name} AFTER {act} ON people_course REFERENCING {table} TABLE AS changed
FOR EACH STATEMENT EXECUTE FUNCTION network_courses_changed()
"""
TRIGGERS = (
    ("network_course_made", "INSERT", "NEW"),
    ("network_course_before", "UPDATE", "OLD"),
    ("network_course_after", "UPDATE", "NEW"),
    ("network_course_removed", "DELETE", "OLD"),
)
SUM_AGAIN = "UPDATE network_quartersum SET summed = 0, sums = '{}'::jsonb"


def watch(_apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
    """Make the triggers; what was kept without courses is summed again."""
    if editor.connection.vendor != "postgresql":
        return
    editor.execute(CHANGED, None)
    for name, act, table in TRIGGERS:
        editor.execute(TRIGGER.format(name=name, act=act, table=table), None)
    editor.execute(SUM_AGAIN, None)


def unwatch(_apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
    """Take them away; what is kept has a form that is not known without them."""
    if editor.connection.vendor != "postgresql":
        return
    for name, _act, _table in TRIGGERS:
        editor.execute(f"DROP TRIGGER {name} ON people_course", None)
    editor.execute("DROP FUNCTION network_courses_changed()", None)
    editor.execute(SUM_AGAIN, None)


class Migration(migrations.Migration):
    dependencies = [
        ("network", "0001_quarter_sums"),
        ("people", "0002_searched"),
    ]

    operations = [migrations.RunPython(watch, unwatch)]
