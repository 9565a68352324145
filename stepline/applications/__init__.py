"""A user's own application: the files with which a pipeline deploys it, and the settings of that pipeline."""
