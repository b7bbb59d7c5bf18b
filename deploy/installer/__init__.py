"""Installs, upgrades and removes the two programs on a server that may already live.

Standard library only: it runs with the system's Python before anything of ours is there. Take stock (`stock`), decide
(`plan`), show it (`report`), and only then touch (`install`, `uninstall`); whatever is changed is written down in a
`journal` first, so that a failure, a kill or an uninstallation puts back exactly what was there.
"""
