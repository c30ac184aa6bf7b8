"""Names are sorted as people count."""

from server.natural_sort import by_name


def test_numbers_in_names_count_as_numbers() -> None:
    names = ["molle-10", "molle-2", "annex", "molle", "2-molle", "molle-2b", "molle-²"]
    assert sorted(names, key=by_name) == ["2-molle", "annex", "molle", "molle-2", "molle-2b", "molle-10", "molle-²"]
