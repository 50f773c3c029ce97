"""Who may do what. Whatever is asked of the service is allowed or refused by what stands here."""
