"""Lists what a vendor's package offers: its public classes, their own public methods and properties,
and its public functions.

Run by names.rs with the package's name as its argument. Writes a JSON list. Of classes that are mere
data (pydantic's) only the name counts: what they have besides checks their fields.
"""

import importlib
import inspect
import json
import pathlib
import sys


def modules(name):
    package = importlib.import_module(name)
    for folder in map(pathlib.Path, package.__path__):
        # By files, because a folder without an `__init__.py` is no package for `pkgutil`.
        for file in sorted(folder.rglob("*.py")):
            parts = file.relative_to(folder).with_suffix("").parts
            parts = [part for part in parts if part != "__init__"]
            yield importlib.import_module(".".join([name, *parts]))


def offered(package):
    for module in modules(package):
        for name, thing in vars(module).items():
            is_ours = getattr(thing, "__module__", "").split(".")[0] == package
            if name.startswith("_") or not is_ours:
                continue
            if inspect.isfunction(thing):
                yield name
            if inspect.isclass(thing):
                yield name
                if hasattr(thing, "__pydantic_validator__") or issubclass(thing, BaseException):
                    continue
                for member, value in vars(thing).items():
                    is_function = callable(value) or isinstance(value, (property, staticmethod))
                    if is_function and not inspect.isclass(value) and not member.startswith("_"):
                        yield member


json.dump(sorted(set(offered(sys.argv[1]))), sys.stdout)
