"""Uploads the assets of a synthesized CDK application, and writes the template to deploy: template.json.

    python3 package_cdk.py [STACK]

It reads cdk.out and needs Python and the AWS CLI, no bootstrapped account: the assets go to the bucket
$PACKAGE_BUCKET, and the template refers to this bucket instead of the one of `cdk bootstrap`.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

CLOUD_ASSEMBLY = Path("cdk.out")
TEMPLATE = Path("template.json")
FIXED_TIME = (1980, 1, 1, 0, 0, 0)  # the same files make the same zip


def main():
    bucket = os.environ.get("PACKAGE_BUCKET") or sys.exit("package_cdk.py: PACKAGE_BUCKET is not set")
    folder, template, assets = read_stack(choose_stack(dict(find_stacks(CLOUD_ASSEMBLY)), sys.argv[1:]))
    destinations = [each for asset in assets for each in asset["destinations"].values()]
    buckets = {each["bucketName"] for each in destinations}
    with tempfile.TemporaryDirectory() as upload:
        for asset in assets:
            for destination in asset["destinations"].values():
                package(folder, asset["source"], Path(upload, destination["objectKey"]), buckets, bucket)
        if assets:
            # The keys are hashes of the content: what the bucket has already is not uploaded again.
            subprocess.run(
                ["aws", "s3", "sync", "--size-only", "--only-show-errors", upload, "s3://" + bucket],
                check=True,
            )
    TEMPLATE.write_text(replace_buckets(json.dumps(without_bootstrap(template), indent=1), buckets, bucket))
    print(f"{TEMPLATE}: {len(template['Resources'])} resources; {len(assets)} assets are in {bucket}")


def find_stacks(folder):
    """Yield the name, the folder and the manifest entry of each stack, also those of stages."""
    for name, artifact in json.loads((folder / "manifest.json").read_text())["artifacts"].items():
        if artifact["type"] == "aws:cloudformation:stack":
            yield artifact.get("displayName", name), (folder, artifact)
        elif artifact["type"] == "cdk:cloud-assembly":
            yield from find_stacks(folder / artifact["properties"]["directoryName"])


def choose_stack(stacks, arguments):
    if len(arguments) == 1 and arguments[0] in stacks:
        return stacks[arguments[0]]
    if not arguments and len(stacks) == 1:
        return next(iter(stacks.values()))
    sys.exit(f"package_cdk.py: name one of the stacks: {', '.join(stacks) or 'the application has none'}")


def read_stack(stack):
    """Return the stack's folder, its template, and its assets without the template itself."""
    folder, artifact = stack
    file = artifact["properties"]["templateFile"]
    manifest = folder / file.replace(".template.json", ".assets.json")
    assets = json.loads(manifest.read_text()) if manifest.is_file() else {}
    if assets.get("dockerImages"):
        sys.exit("package_cdk.py: the stack has container images: push them to ECR and refer to them by tag")
    files = [asset for asset in assets.get("files", {}).values() if asset["source"].get("path") != file]
    return folder, json.loads((folder / file).read_text()), files


def package(folder, source, target, buckets, bucket):
    if "path" not in source:
        sys.exit(f"package_cdk.py: an asset is made by a program, which is not supported: {source}")
    path = folder / source["path"]
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.get("packaging") == "zip":
        zip_folder(path, target)
    elif path.name.endswith(".template.json"):  # of a nested stack
        target.write_text(replace_buckets(path.read_text(), buckets, bucket))
    else:
        shutil.copyfile(path, target)


def zip_folder(folder, target):
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                entry = zipfile.ZipInfo(file.relative_to(folder).as_posix(), FIXED_TIME)
                entry.external_attr = file.stat().st_mode << 16
                archive.writestr(entry, file.read_bytes(), zipfile.ZIP_DEFLATED)


def without_bootstrap(template):
    """Leave out the check that the account is bootstrapped for the CDK."""
    for section, name in (("Parameters", "BootstrapVersion"), ("Rules", "CheckBootstrapVersion")):
        template.get(section, {}).pop(name, None)
        if not template.get(section, True):
            del template[section]
    return template


def replace_buckets(text, buckets, bucket):
    for each in buckets:
        text = text.replace(each, bucket)
    return text


if __name__ == "__main__":
    main()
