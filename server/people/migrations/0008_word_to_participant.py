"""A word from the therapist that the participant sees at their next start on a machine."""

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    """Two columns, empty for everybody so far."""

    dependencies: ClassVar = [("people", "0007_words")]
    operations: ClassVar = [
        migrations.AddField(
            model_name="participant",
            name="word",
            field=models.CharField(blank=True, db_default="", default="", max_length=80, verbose_name="word"),
        ),
        migrations.AddField(
            model_name="participant",
            name="word_written_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
    ]
