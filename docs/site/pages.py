"""Which files are pages of the site, at the paths that they have in the repository.

MkDocs knows one folder of pages; ours lie in three places and link to each other. Knows no page.
"""

from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[2]
PUBLISHED = (
    "README*.md",
    "CHANGELOG.md",
    "SECURITY.md",
    "LICENSE",
    "docs/*.md",
    "docs/images/*",
    "docs/site/*.css",
    "models/*/*/README.md",
    "models/*/*/preview.png",
    "deploy/nginx/*",
    "deploy/observability/*",
    "deploy/systemd/*",
    "benchmarks/augmentation/*.py",
)


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """The shipped models join the navigation, and all of this is watched by ``mkdocs serve``."""
    models = [path.relative_to(ROOT) for path in sorted(ROOT.glob("models/*/*/README.md"))]
    shipped = [{path.parts[1]: path.as_posix()} for path in models]
    config.nav.append({"Models": [{"How they were trained": "docs/models.md"}, *shipped]})
    config.watch += [
        str(ROOT / folder) for folder in ("README.md", "models", "CHANGELOG.md", "SECURITY.md")
    ]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """What is published takes the place of what MkDocs found in ``docs_dir``."""
    of_theme = [file for file in files if file.src_dir != config.docs_dir]
    published = [
        File(
            path.relative_to(ROOT).as_posix(),
            src_dir=str(ROOT),
            dest_dir=config.site_dir,
            use_directory_urls=config.use_directory_urls,
        )
        for pattern in PUBLISHED
        for path in sorted(ROOT.glob(pattern))
        if path.is_file()
    ]
    return Files([*of_theme, *published])
