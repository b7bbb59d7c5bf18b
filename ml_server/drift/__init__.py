"""Whether a model is asked of people like those that it was trained on: only counts are kept, no single value."""
