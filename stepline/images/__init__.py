"""Builds container images from a folder with a Dockerfile, pushes them to ECR and deletes them.

Images for AWS are built by a container engine (docker, podman, finch); those for the local AWS need none.
"""
