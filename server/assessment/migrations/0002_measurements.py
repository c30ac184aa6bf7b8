"""Measurements in the course."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("assessment", "0001_initial"),
        ("people", "0008_word_to_participant"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="CourseMeasurement",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(max_length=24)),
                ("value", models.FloatField()),
                ("second", models.FloatField(blank=True, null=True)),
                ("taken_on", models.DateField(verbose_name="measured on")),
                (
                    "moment",
                    models.CharField(
                        choices=[("start", "start"), ("midway", "midway"), ("end", "end"), ("other", "another day")],
                        default="start",
                        max_length=8,
                        verbose_name="in the course",
                    ),
                ),
                ("note", models.CharField(blank=True, max_length=200, verbose_name="remark")),
                ("made_at", models.DateTimeField(auto_now_add=True)),
                (
                    "made_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "participant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="measurements",
                        to="people.participant",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["participant", "taken_on"], name="measurement_of")],
            },
        ),
    ]
