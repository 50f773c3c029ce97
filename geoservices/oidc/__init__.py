"""Members who sign in with their organisation's identity provider (OpenID Connect)."""
