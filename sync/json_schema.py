"""JSON Schema as the standard has it (2020-12), from what msgspec writes."""


def drop_discriminators(part: object) -> None:
    """Remove every `discriminator` object below `part`, in place.

    msgspec writes OpenAPI's keyword. JSON Schema has none of that name, and AsyncAPI takes a property's name and no
    object. Nothing is lost: each alternative of such an `anyOf` requires its own constant tag.
    """
    if isinstance(part, dict):
        if isinstance(part.get("discriminator"), dict):
            del part["discriminator"]
        for inner in part.values():
            drop_discriminators(inner)
    elif isinstance(part, list):
        for inner in part:
            drop_discriminators(inner)
