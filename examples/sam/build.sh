# Runs in the pipeline's Build stage, in the root of the repository. What it leaves there is what is deployed.
# PACKAGE_BUCKET is the bucket for the packages.
set -eu

python3 -m unittest tests/test_*.py

command -v sam > /dev/null || pip install --quiet aws-sam-cli
# `sam build` installs what the functions need. It wants the Python of their runtime; plain code goes without.
if grep --quiet '^[^#]' src/requirements.txt; then
  sam build
fi
sam package --s3-bucket "$PACKAGE_BUCKET" --output-template-file packaged.yaml
mv packaged.yaml template.yaml
rm -rf .aws-sam
