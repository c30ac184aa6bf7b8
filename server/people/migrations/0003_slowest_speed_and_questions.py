"""The plan's slowest walking speed, and how often the machine asks whether all is well."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """Adds both columns with a default in the database, so that an older version can still write beside them."""

    dependencies = [("people", "0002_searched")]
    operations = [
        migrations.AddField(
            model_name="planversion",
            name="slowest_kmh",
            field=models.FloatField(db_default=2.0, default=2.0, verbose_name="slowest walking speed"),
        ),
        migrations.AddField(
            model_name="planversion",
            name="ask_after",
            field=models.CharField(
                choices=[
                    ("every_interval", "after every interval"),
                    ("hardest_interval", "after the hardest interval"),
                    ("odd_fall", "only when the rate falls oddly"),
                ],
                db_default="every_interval",
                default="every_interval",
                max_length=16,
                verbose_name="asks whether all is well",
            ),
        ),
    ]
