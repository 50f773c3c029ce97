"""People erased for good, also from what a backup brings back."""
