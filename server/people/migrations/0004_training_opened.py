"""When a therapist last opened training that a yes before the start had closed on a machine."""

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    """One column, empty for every version so far."""

    dependencies: ClassVar = [("people", "0003_slowest_speed_and_questions")]

    operations: ClassVar = [
        migrations.AddField(
            model_name="planversion",
            name="training_opened_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="training opened again"),
        ),
    ]
