"""Reports of where devices were."""
