"""The follow-up list: reasons with their decisions, when each person was looked at, and a clinic's limits."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("clinics", "0002_invitations"),
        ("people", "0006_responsible"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="FollowUpCheck",
            fields=[
                (
                    "participant",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="people.participant",
                    ),
                ),
                ("checked_on", models.DateField(null=True)),
                ("due", models.BooleanField(default=True)),
            ],
        ),
        migrations.CreateModel(
            name="FollowUpLimits",
            fields=[
                (
                    "clinic",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="clinics.clinic",
                    ),
                ),
                ("values", models.JSONField(default=dict)),
            ],
        ),
        migrations.CreateModel(
            name="FollowUpItem",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("rule", models.CharField(max_length=32)),
                ("weight", models.PositiveSmallIntegerField()),
                ("mark", models.CharField(max_length=200)),
                ("facts", models.JSONField(default=dict)),
                ("found_at", models.DateTimeField()),
                ("state", models.CharField(default="open", max_length=8)),
                ("until", models.DateField(null=True)),
                ("decided_at", models.DateTimeField(null=True)),
                (
                    "clinic",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="clinics.clinic"
                    ),
                ),
                (
                    "decided_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "owner",
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
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="follow_ups",
                        to="people.participant",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["clinic", "state"], name="follow_up_state")],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("clinic", "participant", "rule"), name="follow_up_once", nulls_distinct=False
                    )
                ],
            },
        ),
    ]
