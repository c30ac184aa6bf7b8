"""For how many hours a yes before the start closes training on a machine."""

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    """One column with a default in the database, so that an older version can still write beside it."""

    dependencies: ClassVar = [("people", "0004_training_opened")]

    operations: ClassVar = [
        migrations.AddField(
            model_name="planversion",
            name="closed_after_yes_h",
            field=models.FloatField(db_default=24.0, default=24.0, verbose_name="hours that a yes closes training"),
        ),
    ]
