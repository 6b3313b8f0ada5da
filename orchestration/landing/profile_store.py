"""Where profiles are found: shipped with the package, in a person's folder, or by path.

Belongs here: finding, loading, and wording what is wrong with a profile file. Does not belong
here: what a profile may say (profile).
"""

import difflib
from pathlib import Path

from pydantic import ValidationError

from orchestration.errors import CustomerValueError
from orchestration.landing.profile import Profile
from orchestration.landing.yaml_lines import YamlDocument, read_yaml_mapping

SHIPPED_PROFILES_DIR = Path(__file__).resolve().parent / "profiles"
_SUFFIXES = (".yml", ".yaml")


def profile_paths(profiles_dir: Path | None = None) -> dict[str, Path]:
    """Return every profile file by name; a person's own one comes before a shipped one."""
    paths = _paths_in(SHIPPED_PROFILES_DIR)
    if profiles_dir is not None:
        if not profiles_dir.is_dir():
            raise CustomerValueError(
                f"The profiles folder {profiles_dir} does not exist.",
                "Create it, or leave --profiles-dir out to use the shipped profiles.",
            )
        paths.update(_paths_in(profiles_dir))
    return dict(sorted(paths.items()))


def load_profile(name_or_path: str, profiles_dir: Path | None = None) -> Profile:
    """Load a profile by its name or by the path of its .yml file.

    Raises:
        CustomerValueError: there is no such profile (close names are suggested), or its file
            is wrong (file, line and key are named).
    """
    if name_or_path.endswith(_SUFFIXES) or "/" in name_or_path:
        path = Path(name_or_path).expanduser()
        if not path.is_file():
            raise CustomerValueError(
                f"The profile file {path} does not exist.",
                "Give the path of a .yml file, or the name of a profile: "
                f"{', '.join(profile_paths(profiles_dir))}.",
            )
        return read_profile(path)
    known = profile_paths(profiles_dir)
    if name_or_path not in known:
        close = difflib.get_close_matches(name_or_path.lower(), known, n=2, cutoff=0.5)
        hint = f"Did you mean {' or '.join(close)}? " if close else ""
        raise CustomerValueError(
            f"There is no profile named {name_or_path!r}.",
            f"{hint}Known profiles: {', '.join(known)}. To use one of your own, give the path of "
            "its .yml file or put it into a folder named by --profiles-dir.",
        )
    return read_profile(known[name_or_path])


def read_profile(path: Path) -> Profile:
    """Read one profile file.

    Raises:
        CustomerValueError: naming the file, the line, the key and what is wrong with it.
    """
    document = read_yaml_mapping(path, "profile", "name, description and files")
    try:
        return Profile.model_validate(document.values)
    except ValidationError as error:
        raise _readable(error, path, document) from error


def _paths_in(folder: Path) -> dict[str, Path]:
    return {
        path.stem: path
        for path in sorted(folder.iterdir())
        if path.suffix in _SUFFIXES and not path.name.startswith(".")
    }


def _readable(error: ValidationError, path: Path, document: YamlDocument) -> CustomerValueError:
    problems = error.errors(include_url=False)
    first = problems[0]
    place = document.place_of(first["loc"])
    key = ".".join(str(part) for part in place) or "the profile"
    said = str(first["msg"]).removeprefix("Value error, ").rstrip(".")
    others = f" ({len(problems) - 1} more after this one.)" if len(problems) > 1 else ""
    if first["type"] == "missing":
        said = f"the key {first['loc'][-1]!r} is missing"
    elif first["type"] == "extra_forbidden":
        said = "there is no such key in a profile"
    return CustomerValueError(
        f"{path}, line {document.line_of(place)}, {key}: {said}.{others}",
        "Correct that line; docs/bring-your-data.md describes every key.",
    )
