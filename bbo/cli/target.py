"""Which study a command speaks of, and where it is stored."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bbo.errors import StudyNotFound

if TYPE_CHECKING:
    from bbo.files.study_file import StudyFile
    from bbo.study import Study

STORAGE = "bbo.db"
"""Name of the storage where none is named: beside the study file, else in this folder."""

StudyArgument = Annotated[str | None, typer.Argument(metavar="STUDY", help="A study file or a study's name.", show_default=False)]
StorageOption = Annotated[
    str | None, typer.Option("--storage", envvar="BBO_STORAGE", help="Path or URL of the storage.", metavar="PATH", show_default=False)
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, and nothing else.")]


@dataclass(frozen=True, slots=True)
class Target:
    """A study that may be stored.

    Args:
        name: Its name.
        storage: Where it is, or is to be.
        file: The study file that was named, if one was.
    """

    name: str
    storage: str
    file: StudyFile | None = None

    def load(self) -> Study:
        """The study as it is stored.

        Raises:
            StudyNotFound: It is not there; the message says how to create it.
        """
        from bbo.study import load_study

        try:
            return load_study(self.name, self.storage)
        except StudyNotFound as error:
            if self.file is None:
                raise
            raise StudyNotFound(f"{error}; create it: bbo create {self.file.path}") from None

    def open(self) -> Study:
        """The stored study; where a file was named, only if the file still says the same.

        Raises:
            StudyNotFound: It is not there. StudyMismatch: The file says otherwise.
        """
        from bbo.storage import open_storage

        storage = open_storage(self.storage)
        return self.load() if self.file is None or self.name not in storage.studies() else self.file.open(storage)


def find(study: str | None, storage: str | None) -> Target:
    """The study of a file, of a name, or the only one in the storage.

    Raises:
        InvalidStudy: The study file is not there or not sound.
        StudyNotFound: No study is named, and the storage holds none, or several.
    """
    if study is None:
        return _only(storage or STORAGE)
    if Path(study).suffix not in (".yaml", ".yml"):
        return Target(study, storage or STORAGE)
    from bbo.files.study_file import read_study_file

    file = read_study_file(study)
    return Target(file.name, storage or file.storage or str(file.path.parent / STORAGE), file)


def _only(storage: str) -> Target:
    from bbo.study import list_studies

    names = list_studies(storage)
    if len(names) != 1:
        held = f"holds several studies ({', '.join(names)})" if names else "holds no study"
        raise StudyNotFound(f"{storage} {held}; name a study file or a study")
    return Target(names[0], storage)
