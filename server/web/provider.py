"""Log-in through the organisation's own identity provider (OpenID Connect)."""

from server.clinic import folder_from_environment, read_clinic


def provider_name() -> str:
    """What the button says; empty where no provider is set."""
    folder = folder_from_environment()
    settings = read_clinic(folder).settings if folder else None
    if settings is None or not settings.oidc_issuer:
        return ""
    return settings.oidc_name or settings.oidc_issuer
