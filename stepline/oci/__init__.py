"""Container images in registries: their names and manifests, and a client of a registry."""
