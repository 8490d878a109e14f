"""Lists what a vendor's package offers: its public classes, their own public methods and properties,
and its public functions.

Run by names.rs with the package's name as its argument. Writes a JSON list. Of classes that are mere
data (pydantic's) only the name counts: what they have besides checks their fields.
"""

import importlib
import inspect
import json
import pkgutil
import sys


def modules(name):
    package = importlib.import_module(name)
    yield package
    for found in pkgutil.walk_packages(package.__path__, name + "."):
        yield importlib.import_module(found.name)


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
