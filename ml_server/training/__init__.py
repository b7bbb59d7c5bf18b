"""Training of the bundled models from their public data sets; not needed for serving."""
