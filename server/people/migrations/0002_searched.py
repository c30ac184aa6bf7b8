"""What the list of participants searches in, for those who are there already too."""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

import server.people.models

AT_A_TIME = 1000


def fill(apps: Apps, _editor: BaseDatabaseSchemaEditor) -> None:
    """Some at a time: a clinic may have thousands."""
    participants = apps.get_model("people", "Participant")
    some = []
    for one in participants.objects.only("name", "nickname", "pseudonym", "group").iterator(AT_A_TIME):
        one.searched = server.people.models.searchable(one.name, one.nickname, one.pseudonym, one.group)
        some.append(one)
        if len(some) == AT_A_TIME:
            participants.objects.bulk_update(some, ["searched"])
            some = []
    participants.objects.bulk_update(some, ["searched"])


class Migration(migrations.Migration):
    """Adds the column with a default, so that an older version can still write beside it, then fills it."""

    dependencies = [("people", "0001_initial")]
    operations = [
        migrations.AddField(
            model_name="participant",
            name="searched",
            field=server.people.models.SearchedField(default="", editable=False),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
