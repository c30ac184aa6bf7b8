"""The applications keep the labels that name tables, migrations, permissions and templates of every old database."""

from django.apps import apps

LABELS = {"audit", "clinics", "diary", "network", "papers", "people", "room", "server", "web"}


def own_labels() -> set[str]:
    return {one.label for one in apps.get_app_configs() if one.name.split(".")[0] == "server"}


def test_the_labels_are_those_of_the_first_database() -> None:
    assert own_labels() >= LABELS


def test_every_table_is_named_by_its_label() -> None:
    models = [model for label in sorted(LABELS) for model in apps.get_app_config(label).get_models()]
    assert len(models) > 20
    names = [(model._meta.app_label, model._meta.db_table) for model in models]
    assert [table for label, table in names if not table.startswith(f"{label}_")] == []
