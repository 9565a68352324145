# Runs in the Build stage of the pipeline, in the root of the repository. What it leaves there is what is deployed.
# PACKAGE_BUCKET is the bucket for the packages. Tests can run here, too.
set -eu

command -v sam > /dev/null || pip install --quiet aws-sam-cli
# `sam build` wants the Python of each function's runtime: let it find all versions that pyenv has.
if command -v pyenv > /dev/null; then
  PYENV_VERSION="$(pyenv version-name):$(pyenv versions --bare | paste -s -d : -)"
  export PYENV_VERSION
fi
# Functions that are built with esbuild need it on the PATH.
if grep --quiet 'BuildMethod.*esbuild' TEMPLATE && ! command -v esbuild > /dev/null; then
  npm install --global --no-audit --no-fund --loglevel error esbuild
fi
sam build --template-file TEMPLATE
# Another environment than `default`: samconfig.toml may name another bucket there.
sam package --config-env pipeline --s3-bucket "$PACKAGE_BUCKET" --output-template-file packaged.yaml
mv packaged.yaml TEMPLATE
rm -rf .aws-sam
