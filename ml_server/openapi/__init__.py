"""The document of the interface, OpenAPI 3.1: what can be asked, and what is answered to it."""
