"""What organisations tell people of, by topic, and what of that each person wants to hear of."""
