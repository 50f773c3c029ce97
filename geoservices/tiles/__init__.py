"""Maps: places and watched areas as vector tiles."""
