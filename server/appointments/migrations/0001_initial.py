"""The week: fixed times, closed days, appointments, calendar feeds."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("clinics", "0004_theme"),
        ("people", "0008_word_to_participant"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="FixedTime",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("weekday", models.PositiveSmallIntegerField(verbose_name="day of the week")),
                ("begins", models.TimeField(verbose_name="begins at")),
                ("minutes", models.PositiveSmallIntegerField(default=60, verbose_name="minutes")),
                ("machine", models.CharField(blank=True, max_length=32, verbose_name="machine")),
                ("group", models.CharField(blank=True, max_length=40, verbose_name="group")),
                ("places", models.PositiveSmallIntegerField(default=1, verbose_name="places")),
                ("begun_on", models.DateField()),
                ("ended_on", models.DateField(null=True)),
                (
                    "clinic",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="fixed_times", to="clinics.clinic"
                    ),
                ),
            ],
            options={
                "ordering": ["weekday", "begins", "machine", "group", "pk"],
            },
        ),
        migrations.CreateModel(
            name="Appointment",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("begins_at", models.DateTimeField(verbose_name="begins")),
                ("on", models.DateField(verbose_name="day")),
                ("minutes", models.PositiveSmallIntegerField(default=60, verbose_name="minutes")),
                ("machine", models.CharField(blank=True, max_length=32, verbose_name="machine")),
                (
                    "absence",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("sick", "ill"),
                            ("leave", "on leave"),
                            ("withdrawal", "withdrawal symptoms"),
                            ("no_show", "did not come"),
                            ("other", "another reason"),
                        ],
                        max_length=12,
                        verbose_name="why absent",
                    ),
                ),
                ("absence_at", models.DateTimeField(null=True)),
                ("made_at", models.DateTimeField(auto_now_add=True)),
                ("changed_at", models.DateTimeField(auto_now=True)),
                (
                    "absence_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "clinic",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="appointments", to="clinics.clinic"
                    ),
                ),
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
                        related_name="appointments",
                        to="people.participant",
                    ),
                ),
                (
                    "fixed_time",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="appointments",
                        to="appointments.fixedtime",
                    ),
                ),
            ],
            options={
                "ordering": ["begins_at", "machine", "pk"],
            },
        ),
        migrations.CreateModel(
            name="CalendarFeed",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("secret_sha256", models.CharField(max_length=64, unique=True)),
                ("auth_hash", models.CharField(max_length=128)),
                ("only_own", models.BooleanField(default=True)),
                ("made_at", models.DateTimeField(auto_now_add=True)),
                ("read_at", models.DateTimeField(null=True)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="calendar_feeds",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "clinic",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="clinics.clinic"
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("account", "clinic"), name="feed_once")],
            },
        ),
        migrations.CreateModel(
            name="ClosedDay",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("on", models.DateField(verbose_name="day")),
                ("reason", models.CharField(blank=True, max_length=60, verbose_name="why")),
                (
                    "clinic",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="closed_days", to="clinics.clinic"
                    ),
                ),
            ],
            options={
                "ordering": ["on"],
                "constraints": [models.UniqueConstraint(fields=("clinic", "on"), name="closed_once")],
            },
        ),
        migrations.AddConstraint(
            model_name="fixedtime",
            constraint=models.UniqueConstraint(
                condition=models.Q(("ended_on", None)),
                fields=("clinic", "weekday", "begins", "machine", "group"),
                name="fixed_time_once",
            ),
        ),
        migrations.AddIndex(
            model_name="appointment",
            index=models.Index(fields=["clinic", "on"], name="appointment_day"),
        ),
        migrations.AddConstraint(
            model_name="appointment",
            constraint=models.UniqueConstraint(fields=("participant", "begins_at"), name="appointment_once"),
        ),
    ]
