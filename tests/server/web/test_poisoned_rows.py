"""One bad row spoils no page and no export: each table's row is poisoned, and every page is asked for.

The newest row of a table is poisoned, as a machine, an older version or a restored backup could leave it.
"""

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.apps import apps
from django.db import DatabaseError, connection, models, transaction

from server.accounts.models import Account
from tests.server.web import test_sweep
from tests.server.web.test_sweep import ACCOUNTS, Swept, ask, holds, stocked_file, swept

__all__ = ["stocked_file", "swept"]
WILD_NUMBERS = (1e300, -1e300, 2**31, -1, 0, 1e18, float("inf"), float("nan"))
WILD_WHOLE = (2**62, -1, 0, 2**31, 65_536)
WILD_TEXTS = ("x" * 1_000_000, "a\x00b", "\u202eabc", "", "=1+1", "<b>", "nan", "\ud83d\ude00" * 200)
WILD_TIMES = (
    datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC),
    datetime(1, 1, 1, tzinfo=UTC),
    datetime(1969, 1, 1, tzinfo=UTC),
)
WILD_DAYS = (date(9999, 12, 31), date(1, 1, 1), date(1969, 12, 31))
WILD_BYTES = (b"", b"\x00" * 40, b"IC\x01\x00garbage", b"{}")
OURS = ("server", "clinics", "people", "assessment", "diary", "papers", "room", "follow_up", "network", "audit")
KEPT = {"username", "password", "is_active", "is_superuser", "is_staff", "code", "time_zone"}
"""What makes an account or a clinic one at all; and names in addresses, which have a test of their own."""


def wild(field: "models.Field[Any, Any]", now: object, chance: random.Random) -> object:
    """Return a value that the column can hold and no page expects."""
    match field:
        case models.JSONField():
            return mutated(now, chance)
        case models.BooleanField():
            return chance.random() < 0.5
        case models.DateTimeField():
            return chance.choice(WILD_TIMES)
        case models.DateField():
            return chance.choice(WILD_DAYS)
        case models.FloatField():
            return chance.choice(WILD_NUMBERS)
        case models.IntegerField():
            return chance.choice(WILD_WHOLE)
        case models.BinaryField():
            return chance.choice(WILD_BYTES)
        case models.CharField() | models.TextField():
            return chance.choice(WILD_TEXTS)
    return now


def mutated(value: object, chance: random.Random) -> object:
    """Return a JSON value with some of its leaves wild, of another kind or gone."""
    if chance.random() < 0.1:
        return chance.choice((None, [], {}, "x", 1e300, -1, 2**62, True, [[[]]], {"a": 1e300}))
    match value:
        case dict():
            return {key: mutated(one, chance) for key, one in value.items() if chance.random() > 0.03}
        case list():
            return [mutated(one, chance) for one in value]
        case bool() | None:
            return value if chance.random() < 0.7 else 1e300
        case int() | float():
            return value if chance.random() < 0.5 else chance.choice((1e300, -1e300, -1, 2**62, 0, 1e-300))
        case str():
            return value if chance.random() < 0.6 else chance.choice(WILD_TEXTS[2:])
    return value


def tables() -> Iterator[type[models.Model]]:
    """Yield our own tables that hold a row."""
    for label in OURS:
        for model in apps.get_app_config(label).get_models():
            if model._default_manager.exists():
                yield model


def poison(model: type[models.Model], chance: random.Random, most: int) -> bool:
    """Change up to `most` fields of the newest row, as far as the database takes them. Return whether any was taken."""
    row = model._default_manager.order_by("-pk")[0]
    free = [
        one
        for one in model._meta.concrete_fields
        if not (one.primary_key or one.is_relation or one.unique or one.name in KEPT)
    ]
    taken = False
    for field in chance.sample(free, min(most, len(free))):
        value = wild(field, getattr(row, field.attname), chance)
        try:
            with transaction.atomic():
                model._default_manager.filter(pk=row.pk).update(**{field.name: value})
            taken = True
        except (DatabaseError, OverflowError, ValueError, TypeError):
            continue
    return taken


def broken(swept: Swept) -> list[str]:
    """Ask for every page and file with an account that may see it, and return which fail."""
    found = []
    for page in test_sweep.pages():
        holder = next((one for one in ACCOUNTS if holds(Account.objects.get(username=one), page, swept.here)), None)
        if holder is None:
            continue
        browser = swept.people.clients[holder]
        browser.raise_request_exception = False
        answer = ask(browser, "GET", page.address(swept.here))
        if answer.status_code >= 500:
            found.append(f"{page.name}: {answer.status_code}")
    return found


@pytest.mark.parametrize("seed", [0, *(pytest.param(one, marks=pytest.mark.slow) for one in range(1, 6))])
def test_no_page_fails_where_every_table_has_a_bad_row(swept: Swept, seed: int) -> None:
    chance = random.Random(seed)
    for model in list(tables()):
        poison(model, chance, 2)
    assert broken(swept) == []


@pytest.mark.slow
def test_no_page_fails_whatever_row_is_bad(swept: Swept) -> None:
    found = []
    chance = random.Random(13)
    for model in list(tables()):
        for turn in range(8):
            with transaction.atomic():
                if poison(model, chance, 1 + turn % 3):
                    found += [f"{model.__name__} {turn}: {one}" for one in broken(swept)]
                transaction.set_rollback(True)
    connection.close()
    assert found == []
