"""Why a person was told of something, and why not, in words."""
