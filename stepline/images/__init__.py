"""Container images: made of a folder with a Dockerfile, pushed to ECR and deleted from it.

With a container engine (docker, podman, finch) on AWS; for the local AWS without one, by `oci`.
"""
