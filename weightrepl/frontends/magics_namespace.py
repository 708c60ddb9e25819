"""The models that a notebook's variables hold: looked for at each call, opened for it, and then let go."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from weightrepl.engine.evaluate import named_result
from weightrepl.engine.scope import Named, NamedQuery
from weightrepl.engine.selection import LayerSelection, Selection
from weightrepl.errors import Fix, Problem, QueryError
from weightrepl.frontends.magics_variables import identity, models_in, variables_of, walked
from weightrepl.frontends.model_files import fingerprint
from weightrepl.frontends.session import Session, read_query_file
from weightrepl.model.tree import Model, nfc
from weightrepl.model.workspace import Workspace
from weightrepl.query.parser import parse
from weightrepl.readers.folders import is_there
from weightrepl.readers.registry import open_source, reader_of_object
from weightrepl.spans import listed, nearest

if TYPE_CHECKING:
    from weightrepl.engine.evaluate import Result
    from weightrepl.frontends.commands_words import Word
    from weightrepl.frontends.magics_lines import Asked
    from weightrepl.frontends.magics_options import Parts

NO_MODEL = """\
model = weightrepl.open("model.keras")
or let any variable hold a Keras model, a tf.Module, or a loaded SavedModel"""

_MENTIONED = re.compile(r"\$([\w-]+)")


class Files:
    """The files that `-m` and `#: open` named, open until the extension is unloaded, or they change."""

    def __init__(self) -> None:
        self._open: dict[tuple[str, str | None], tuple[object, Model]] = {}
        self._answering: WeakKeyDictionary[Model, Model] = WeakKeyDictionary()

    def opened(self, path: str, name: str | None = None) -> Model:
        """Return the model of a file as it is now.

        Raises:
            SourceError: it can't be opened.
        """
        path = os.path.abspath(os.path.expanduser(path))
        now = fingerprint(path)
        known = self._open.get((path, name))
        if known is not None and known[0] == now:
            return known[1]
        model = open_source(path, name)
        if known is not None:
            known[1].close()
        self._open[path, name] = now, model
        return model

    def answering(self, model: Model, variables: tuple[str, ...]) -> Model:
        """Return a model that the user opened, answering to its variables too; not what keeps a live object alive."""
        names = tuple(dict.fromkeys((*model.names[:1], *variables, *model.names[1:])))
        known = self._answering.get(model)
        if known is None or known.names != names:
            known = model.answering_to(*names)
            known.live = None
            self._answering[model] = known
        return known

    def close(self) -> None:
        """Let go of all."""
        for _, model in self._open.values():
            model.close()
        self._open.clear()


class Namespace:
    """The variables of a user at one moment, and what is in them.

    variables: those that count, by name; a function's own among them where it asks.
    """

    def __init__(self, variables: Mapping[str, object], files: Files) -> None:
        self.variables, self._files = variables, files
        self._opened: list[Model] = []

    def session(self, wanted: Word | None, line: str) -> Session:
        """Return a session in which all models that were found are open; `wanted` is where paths start.

        Raises:
            QueryError: nothing is called like `wanted`, or that is no model.
            SourceError: a file can't be opened.
        """
        session = Session()
        found = models_in(self.variables)
        session.workspace = Workspace(tuple(self._model(thing, names) for thing, names in found))
        if wanted is not None:
            model = self._wanted(
                wanted, line, session.workspace, {identity(t): n for n, (t, _) in enumerate(found)}
            )
            if model not in session.workspace.models:
                session.workspace = session.workspace.opened(model)
            session.location = model.place
        return session

    def names(self, text: str) -> dict[str, Named]:
        """Return what `$name` stands for in a query: earlier results, found anew by their addresses if it is there."""
        mentioned = set(_MENTIONED.findall(text))
        results = {n: v for n, v in self.variables.items() if isinstance(v, Selection | LayerSelection)}
        return {n: _by_addresses(v) if n in mentioned else named_result(v) for n, v in results.items()}

    def file(self, path: str, name: str | None = None) -> Model:
        """Return the model of a file.

        Raises:
            SourceError: it can't be opened.
        """
        return self._files.opened(path, name)

    def look_at(self, result: Result) -> None:
        """Read what shows a result, as long as the models are held."""
        if isinstance(result, LayerSelection):
            for place in result.rows:
                place.weights_below  # noqa: B018

    def loosen(self) -> None:
        """Let go of the live objects that were opened."""
        for model in self._opened:
            if model.live is not None:
                model.live.loosen()

    def _model(self, thing: object, names: tuple[str, ...]) -> Model:
        if isinstance(thing, Model):
            return self._files.answering(thing, names)
        first, *others = names
        model = open_source(thing, variable=first)
        self._opened.append(model)
        return model.answering_to(*model.names, *others)

    def _wanted(self, wanted: Word, line: str, workspace: Workspace, found: Mapping[int, int]) -> Model:
        """Return the model that `-m` names."""
        written = wanted.span.of(line)
        thing = walked(written, self.variables)
        if identity(thing) in found:
            return workspace.models[found[identity(thing)]]
        if isinstance(thing, Model) or (thing is not None and reader_of_object(thing) is not None):
            return self._model(thing, (written,))
        named = workspace.by_name.get(nfc(wanted.text), ())
        if len(named) == 1:
            return named[0].model
        if named:
            raise _ambiguous(wanted, line, workspace, [place.model for place in named])
        if is_there(os.path.expanduser(wanted.text)):
            return self.file(wanted.text)
        raise _no_such(wanted, line, workspace, thing)


class Kept:
    """What stays open between two calls: files, and for who types all models, since nothing changes till code runs."""

    def __init__(self, shell: Any) -> None:
        self._shell, self.files = shell, Files()
        self._sessions: dict[str, Session] = {}

    def session(self, parts: Parts) -> Session:
        """Return a session with all models that the variables hold, as the options have it.

        Raises:
            WeightreplError: the options name no model, or it can't be opened.
        """
        model = next((p.value for p in parts.options if p.option and p.option.name == "--model"), None)
        key = "" if model is None else model.span.of(parts.query.line)
        if key not in self._sessions:
            namespace = Namespace(variables_of(self._shell), self.files)
            session = self._sessions[key] = namespace.session(model, parts.query.line)
            session.named = namespace.names("")
        return self._sessions[key]

    def scope(self, asked: Asked) -> dict[str, Any]:
        """Return where the service is to look for what a query means, one that somebody types.

        Raises:
            WeightreplError: the options name no model, or it can't be opened.
        """
        session = self.session(asked.parts)
        named = {**session.named, **read_query_file(asked.body, "", "").named}
        return {"workspace": session.workspace, "location": session.location, "named": named}

    def forget(self) -> None:
        """Let go of the models: code is about to run."""
        self._sessions.clear()

    def close(self) -> None:
        """Let go of all."""
        self.forget()
        self.files.close()


def need_model(session: Session, text: str) -> None:
    """Raise a QueryError that tells how to open a model, if none is open."""
    if not session.workspace.models:
        raise QueryError(text, [Problem("no-model", "no variable holds a model", hint=NO_MODEL)])


def _by_addresses(result: Selection | LayerSelection) -> Named:
    if not len(result):
        return named_result(result)
    text = ", ".join(result.addresses)
    return NamedQuery(text, parse(text).query)


def _ambiguous(wanted: Word, line: str, workspace: Workspace, models: list[Model]) -> QueryError:
    """Return the error that several models are called so."""
    message = f"{len(models)} models are called '{wanted.text}'"
    names = [name for name, ordinal in map(workspace.shown_name, models) if not ordinal]
    hint = f"one of {listed(names)}" if names else None
    return QueryError(line, [Problem("ambiguous-model", message, wanted.span, hint=hint)])


def _no_such(wanted: Word, line: str, workspace: Workspace, thing: object) -> QueryError:
    """Return the error that nothing is called so, or that it is no model."""
    near, known = nearest(wanted.text, workspace.by_name, 1), ", ".join(workspace.by_name)
    if thing is not None:
        message, near = f"'{wanted.span.of(line)}' is no model, but of the class {type(thing).__name__}", ()
    else:
        message = f"no variable, no model and no file is called '{wanted.text}'"
    fix = Fix(wanted.span, near[0]) if near else None
    hint = f"models here: {known}" if known and not fix else None
    return QueryError(line, [Problem("no-such-model", message, wanted.span, fix, hint=hint)])
