"""Images in the registries of the Open Container Initiative: names, manifests, and a client of a registry."""
