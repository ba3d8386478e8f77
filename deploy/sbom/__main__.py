"""python -m deploy.sbom: write down what the service installs, as it is installed here."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from packaging.utils import canonicalize_name

from deploy.sbom.closure import EXTRAS, closure, required_by
from deploy.sbom.document import document


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m deploy.sbom", description=__doc__)
    parser.add_argument(
        "--extras", nargs="+", choices=sorted(EXTRAS), default=["cpu"],
        help="beside the base; as in pip install 'ganserve[cpu,otel]' (default: cpu)",
    )  # fmt: skip
    parser.add_argument("--out", type=Path, default=Path("build/sbom.cdx.json"))
    options = parser.parse_args(arguments)
    direct = required_by(options.extras)
    names = sorted({canonicalize_name(each.name) for each in direct})
    installed = closure(direct)
    if missing := [name for name in names if name not in installed]:
        parser.error(
            f"not installed here: {', '.join(missing)}; `make install` installs what the document "
            "then lists (FLAVOUR=gpu for the extra gpu)"
        )
    text = document(names, installed)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(text + "\n", encoding="utf-8")
    print(f"{options.out}: {len(installed)} packages")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
