"""What models have answered, what turned out to be true, and how good they are by that."""
