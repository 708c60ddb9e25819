"""`%load_ext weightrepl`: %weights and %layers in IPython and every notebook whose kernel it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import cached_property
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

    from weightrepl.engine.evaluate import Result
    from weightrepl.engine.selectors import Kind
    from weightrepl.engine.view import View
    from weightrepl.frontends.magics_cell import Answers
    from weightrepl.frontends.magics_namespace import Kept, Namespace
    from weightrepl.frontends.session import Session


@magics_class
class WeightreplMagics(Magics):
    """The magics of one shell."""

    def __init__(self, shell: InteractiveShell) -> None:
        super().__init__(shell)
        self.host = shell
        self._leaving = ExitStack()

    @cached_property
    def kept(self) -> Kept:
        """What stays open between two calls; nothing before the first."""
        from weightrepl.frontends.magics_namespace import Kept

        return Kept(self.host)

    def _let_go(self, close: bool = False) -> None:
        """Let go of models; with `close` of files too."""
        if "kept" in vars(self):
            self.kept.close() if close else self.kept.forget()

    def join(self) -> None:
        """Become part of the shell."""
        from weightrepl.frontends.magics_completion import matcher
        from weightrepl.frontends.magics_input import RawLine
        from weightrepl.frontends.magics_inspect import inspecting

        host: Any = self.host
        leave = self._leaving.callback
        leave(self._let_go, close=True)
        leave(host.configurables.remove, self)
        leave(host.magics_manager.registry.pop, type(self).__name__)
        for kind, ours in self.magics.items():
            there = host.magics_manager.magics[kind]
            for name in ours:
                leave(there.__setitem__, name, there[name]) if name in there else leave(there.pop, name)
        host.register_magics(self)
        host.input_transformer_manager.token_transformers.append(RawLine)
        leave(host.input_transformer_manager.token_transformers.remove, RawLine)
        host.events.register("pre_execute", self._let_go)
        leave(host.events.unregister, "pre_execute", self._let_go)
        kernel = getattr(host, "kernel", None)
        complete = matcher(lambda: self.kept, unbroken=kernel is not None)
        host.Completer.custom_matchers.append(complete)
        leave(host.Completer.custom_matchers.remove, complete)
        if kernel is not None:
            own = "do_inspect" in vars(kernel)  # put there by somebody else before us
            leave(setattr, kernel, "do_inspect", kernel.do_inspect) if own else leave(
                delattr, kernel, "do_inspect"
            )
            kernel.do_inspect = inspecting(lambda: self.kept, kernel.do_inspect)

    def leave(self) -> None:
        """Let the shell be as it was."""
        self._leaving.close()

    @no_var_expand
    @needs_local_scope
    @line_cell_magic
    def weights(
        self, line: str, cell: str | None = None, local_ns: Mapping[str, object] | None = None
    ) -> Any:
        """Select weights of the models in your variables.

            %weights [options] [QUERY]                 without a query all of them
            kernels = %weights **:kernel               the Selection: kernels.one().numpy(), kernels["…"], …
            %%weights [options]                        queries on the lines below, as in a query file

        Everything behind the options is the query, as it stands:

            %weights larger_model/custom_module/*dense1:kernel
            %weights encoder/block_{0..11}/@Dense:kernel[0, :16]
            %weights **:* | where nans > 0 or infs > 0
            %weights $kernels, !**/head | top 5 norm   $kernels: an earlier result in a variable
            %weights base/**:* | diff tuned            two models, by variable or by name
            %weights -m base.keras **:*                a file, without opening it first

        Options:

            -m, --model MODEL     where paths start: a variable, trainer.model, a model's name, or a file
            -f, --format FORMAT   shown as text: table, tree, json, jsonl, csv, tsv, paths
            -o, --out NAME        let a variable have the result, too
            --limit N             show N rows at most, not 100
            --no-stats            show no figures that need the values to be read
            --vars                put Python's variables in the place of $name and {expression}
            --                    what follows is the query, even if it begins with '-'

        Tab completes and Shift-Tab explains what stands in a query. Queries never write.
        """
        return self._asked("weights", line, local_ns, cell)

    @no_var_expand
    @needs_local_scope
    @line_magic
    def layers(self, line: str, local_ns: Mapping[str, object] | None = None) -> Any:
        """Select layers of the models in your variables.

            %layers [options] [QUERY]                  without a query the tree of all
            dense = %layers **/@Dense                  the LayerSelection: dense[0].weights, dense.addresses, …
            %layers custom_module/*                    one level below
            %layers **/@Dense | where params > 1M | sort params desc

        Options:

            -m, --model MODEL     where paths start: a variable, trainer.model, a model's name, or a file
            -f, --format FORMAT   shown as text: table, tree, json, jsonl, csv, tsv, paths
            -o, --out NAME        let a variable have the result, too
            --limit N             show N rows at most, not 100
            --no-stats            show no figures that need the values to be read
            --vars                put Python's variables in the place of $name and {expression}
            --                    what follows is the query, even if it begins with '-'
        """
        return self._asked("layers", line, local_ns)

    def _asked(
        self, want: Kind, typed: str, local: Mapping[str, object] | None, body: str | None = None
    ) -> Result | Answers:
        """Return what a line or a cell asks for; what its user did wrong is shown as a picture by who shows errors."""
        try:
            return self._found(want, typed, local, body)
        except WeightreplError as error:
            error._render_traceback_ = picture_of(error, self.host)  # type: ignore[attr-defined]
            error.__context__ = None  # as the frames of a traceback would, it might keep models alive
            raise error.with_traceback(None) from None

    def _found(
        self, want: Kind, typed: str, local: Mapping[str, object] | None, body: str | None
    ) -> Result | Answers:
        """Return what the query of a line finds, or what the queries of a cell's body do."""
        from IPython.display import display

        from weightrepl.frontends.magics_cell import of_cell
        from weightrepl.frontends.magics_namespace import Namespace
        from weightrepl.frontends.magics_options import options_of, parts_of
        from weightrepl.frontends.magics_variables import variables_of
        from weightrepl.frontends.shell import Given

        name = f"%{want} " if body is None else f"%%{want} "
        parts = parts_of(Given(name + typed, len(name)))
        options = options_of(parts)
        text = parts.query.text if body is None else body
        if options.expanding:
            text = expanded(text, {**self.host.user_ns, **(local or {})})
        namespace = Namespace(variables_of(self.host, local), self.kept.files)
        try:
            session = namespace.session(options.model, parts.query.line)
            if body is None:
                found: Result | Answers = of_line(text, want, namespace, session, options.view)
            else:
                found, wrong = of_cell(text, parts.query, namespace, session, options.view)
                if wrong and found:
                    display(found)  # type: ignore[no-untyped-call]
                if wrong:
                    raise QueryError(text, wrong)
        finally:
            namespace.loosen()
        if options.out is not None:
            self.host.user_ns[options.out] = found
        return found


def of_line(text: str, want: Kind, namespace: Namespace, session: Session, view: View) -> Result:
    """Return what a query finds; without one all weights, or all layers."""
    from weightrepl.frontends.magics_namespace import need_model

    need_model(session, text)
    if not text.strip():
        text = "**:*" if want == "weights" else "**"
        view = view.replace(tree=want == "layers")
    session.named = namespace.names(text)
    result = session.run(text, want)
    namespace.look_at(result)
    return result.seen(view)


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


def picture_of(error: WeightreplError, shell: InteractiveShell) -> Callable[[], list[str]]:
    """Return what gives the lines that show an error in a shell."""

    def drawn() -> list[str]:
        from weightrepl.render.blocks import Line, ProblemBlock
        from weightrepl.render.text import Screen, lines
        from weightrepl.spans import visible

        # notebooks show errors on a red ground of their own, on which colours made for terminals can't be read
        in_notebook = getattr(shell, "kernel", None) is not None
        screen = Screen(colour=not in_notebook and str(shell.colors).lower() != "nocolor")
        if isinstance(error, QueryError):
            return [*lines((ProblemBlock(problem, error.text) for problem in error.problems), screen)]
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
