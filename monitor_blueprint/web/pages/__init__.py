"""The operators' pages: what a browser shows, and the forms by which everything can be done from there.

A page asks the console for its documents, as the API does, so each visitor is shown what he may see. Its words stand in the
catalogues of `text/`, one for each language; its look in `static/`.
"""
