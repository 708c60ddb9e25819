"""`%load_ext weightrepl`: %weights and %layers in IPython and every notebook whose kernel it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from IPython.core.magic import (
    Magics,
    line_cell_magic,
    line_magic,
    magics_class,
    needs_local_scope,
    no_var_expand,
)

from weightrepl.errors import Problem, QueryError, WeightreplError
from weightrepl.spans import Span

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from weightrepl.engine.selectors import Kind
    from weightrepl.frontends.magics_options import Options

NO_MODEL = (
    'a model in any variable is found: a Keras model, or a file\'s\nmodel = weightrepl.open("model.keras")'
)


@magics_class
class WeightreplMagics(Magics):
    """The magics of one shell, and what they keep between two calls: the files that `-m` named."""

    def __init__(self, shell: InteractiveShell) -> None:
        from weightrepl.frontends.magics_namespace import Files, Kept

        super().__init__(shell)
        self.host = shell
        self.files = Files()
        self.kept = Kept(shell, self.files)
        self._leaving = ExitStack()

    def join(self) -> None:
        """Become part of the shell."""
        from weightrepl.frontends.magics_completion import matcher
        from weightrepl.frontends.magics_input import RawLine
        from weightrepl.frontends.magics_inspect import inspecting

        host: Any = self.host
        leave = self._leaving.callback
        leave(self.files.close)
        leave(host.configurables.remove, self)
        leave(host.magics_manager.registry.pop, type(self).__name__)
        for kind, ours in self.magics.items():
            there = host.magics_manager.magics[kind]
            for name in ours:
                leave(there.__setitem__, name, there[name]) if name in there else leave(there.pop, name)
        host.register_magics(self)
        host.input_transformer_manager.token_transformers.append(RawLine)
        leave(host.input_transformer_manager.token_transformers.remove, RawLine)
        complete = matcher(self.kept)
        host.Completer.custom_matchers.append(complete)
        leave(host.Completer.custom_matchers.remove, complete)
        host.events.register("pre_execute", self.kept.forget)
        leave(host.events.unregister, "pre_execute", self.kept.forget)
        leave(self.kept.forget)
        if (kernel := getattr(host, "kernel", None)) is not None:
            kernel.do_inspect = inspecting(self.kept, kernel.do_inspect)
            leave(delattr, kernel, "do_inspect")

    def leave(self) -> None:
        """Let the shell be as it was."""
        self._leaving.close()

    @no_var_expand
    @needs_local_scope
    @line_cell_magic
    def weights(
        self, line: str, cell: str | None = None, local_ns: Mapping[str, object] | None = None
    ) -> Any:
        """Return the weights that a query selects."""
        with told(self.host):
            return self._asked("weights", line, "**:*", local_ns)

    @no_var_expand
    @needs_local_scope
    @line_magic
    def layers(self, line: str, local_ns: Mapping[str, object] | None = None) -> Any:
        """Return the layers that a query selects."""
        with told(self.host):
            return self._asked("layers", line, "**", local_ns)

    def _asked(self, want: Kind, typed: str, usual: str, local: Mapping[str, object] | None) -> Any:
        """Return what the query of a line finds; without one, what the usual query does."""
        from weightrepl.frontends.magics_namespace import Namespace, variables_of
        from weightrepl.frontends.magics_options import options_of, parts_of
        from weightrepl.frontends.shell import Given

        parts = parts_of(Given(f"%{want} {typed}", len(want) + 2))
        options, text = options_of(parts), parts.query.text
        namespace = Namespace(variables_of(self.host, local), self.files)
        if options.expanding:
            text = expanded(text, {**self.host.user_ns, **(local or {})})
        session = namespace.session(options.model, parts.query.line)
        try:
            if not session.workspace.models:
                raise QueryError(text, [Problem("no-model", "no variable holds a model", hint=NO_MODEL)])
            query = text if text.strip() else usual
            session.named = namespace.names(query)
            result = session.run(query, want)
            namespace.loosen(result)
        finally:
            namespace.loosen()
        return self._bound(result.seen(options.view), options)

    def _bound(self, result: Any, options: Options) -> Any:
        """Return a result, which a variable has too if the options say so."""
        if options.out is not None:
            self.host.user_ns[options.out] = result
        return result


def expanded(text: str, variables: Mapping[str, object]) -> str:
    """Return a query with Python's variables in the place of `$name` and `{expression}`, as IPython does it.

    Raises:
        QueryError: there is no such variable, or what stands in braces is no expression.
    """
    from IPython.utils.text import DollarFormatter

    try:
        return str(DollarFormatter().vformat(text, (), variables))
    except Exception as error:
        message = f"--vars: {type(error).__name__}: {error}"
        hint = "with --vars, braces and $ of the query itself are doubled: {{a,b}}, $$k"
        raise QueryError(text, [Problem("bad-expansion", message, Span(0, len(text)), hint=hint)]) from None


@contextmanager
def told(shell: InteractiveShell) -> Iterator[None]:
    """Let what a user did wrong be shown as a picture, by whoever shows the error, and not as a traceback."""
    try:
        yield
    except WeightreplError as error:
        error._render_traceback_ = picture_of(error, shell)  # type: ignore[attr-defined]
        raise error from None


def picture_of(error: WeightreplError, shell: InteractiveShell) -> Callable[[], list[str]]:
    """Return what gives the lines that show an error in a shell."""

    def drawn() -> list[str]:
        from weightrepl.render.blocks import Line, Picture
        from weightrepl.render.text import Screen, lines
        from weightrepl.spans import visible

        screen = Screen(colour=str(shell.colors).lower() != "nocolor")
        if isinstance(error, QueryError):
            return [*lines((Picture(problem, error.text) for problem in error.problems), screen)]
        return [*lines([Line(f"error: {visible(str(error))}", "title")], screen)]

    return drawn


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Let a shell of IPython have the magics, their completion and their help."""
    unload_ipython_extension(shell)
    WeightreplMagics(shell).join()


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """Take all of it away again, and let the shell have what it had before."""
    magics = shell.magics_manager.registry.get(WeightreplMagics.__name__)
    if magics is not None:
        magics.leave()
