"""Payloads are compressed already: PostgreSQL keeps them as they are and does not try once more."""

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

TABLES = ("server_session", "server_quarantinedsession", "server_deadletter")


def keep_as_it_is(_apps: StateApps, editor: BaseDatabaseSchemaEditor) -> None:
    if editor.connection.vendor == "postgresql":
        for table in TABLES:
            editor.execute(f"ALTER TABLE {table} ALTER COLUMN payload SET STORAGE EXTERNAL")


class Migration(migrations.Migration):
    dependencies = [("server", "0001_initial")]
    operations = [migrations.RunPython(keep_as_it_is, migrations.RunPython.noop)]
