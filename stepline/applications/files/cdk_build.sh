# Runs in the Build stage of the pipeline, in the root of the repository. What it leaves there is what is deployed.
# PACKAGE_BUCKET is the bucket for the assets. Tests can run here, too.
set -eu

if [ -f requirements.txt ]; then pip install --quiet --requirement requirements.txt; fi
if [ -f package.json ]; then
  # A lock file may lack the packages of this platform: then `npm ci` refuses it.
  npm ci --no-audit --no-fund --loglevel error || npm install --no-audit --no-fund --loglevel error
fi
npx --yes aws-cdk@2 synth --quiet --no-notices --output cdk.out
# Uploads the assets and writes template.json. Name the stack here if the application has several.
python3 package_cdk.py
rm -rf cdk.out node_modules
