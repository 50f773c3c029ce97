"""What may be redeemed, by whom and how often."""
