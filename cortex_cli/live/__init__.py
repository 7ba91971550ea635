"""What the live manager is made of: events, usage as providers state it, sizes that learn from it, the kept history."""
