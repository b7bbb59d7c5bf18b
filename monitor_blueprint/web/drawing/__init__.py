"""Pictures as SVG, drawn on the server: pure functions, which know neither the store nor the web framework."""
