# Runs in the Build stage of the pipeline, in the root of the repository. What it leaves there is what is deployed.
# PACKAGE_BUCKET is the bucket for the packages. Tests can run here, too.
set -eu

command -v aws > /dev/null || pip install --quiet awscli
aws cloudformation package --template-file TEMPLATE --s3-bucket "$PACKAGE_BUCKET" --output-template-file packaged.yaml
mv packaged.yaml TEMPLATE
