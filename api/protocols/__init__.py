"""What phone apps of others say and want to hear, translated; nothing here is ours to define."""
