"""The style of our HTML: one sheet under one class, in the colours of whatever page it stands in."""

from __future__ import annotations

SCOPE = ".weightrepl.weightrepl.weightrepl"
"""Thrice, so that it goes before what Jupyter has for all tables and lists in an output."""

_DIM = "color-mix(in oklab, currentColor 72%, transparent)"
_LINE = "color-mix(in oklab, currentColor 16%, transparent)"
_PAPER = "var(--jp-layout-color0,var(--vscode-editor-background,var(--colab-primary-surface-color,#0000)))"
"""What a page is of, as JupyterLab, VS Code and Colab call it; elsewhere what is behind is blurred."""

_FAINT = "color-mix(in oklab, currentColor 6%, transparent)"


def _hue(colour: str) -> str:
    """Return a colour that stands out on light and dark alike: the text's own, with some of a hue in it."""
    return f"color-mix(in oklab, currentColor 42%, {colour})"


_RULES = f"""
§{{font:13px/1.5 system-ui,sans-serif;color:inherit;text-align:left;margin:0;max-width:100%}}
§ p,§ ul,§ li,§ figure,§ pre,§ details,§ summary,§ caption,§ table{{margin:0;
  padding:0;font-size:inherit;line-height:inherit;color:inherit;background:none;border:0}}
§ code,§ pre,§ table,§ .wr-tree{{
  font-family:var(--jp-code-font-family,ui-monospace,SFMono-Regular,Menlo,Consolas,monospace);
  font-size:12px;font-variant-numeric:tabular-nums}}
§ code{{background:none;padding:0;color:inherit}}
§ .wr-s{{display:none}}
§ .wr-u{{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}}
§ .wr-box{{overflow-x:auto;max-width:100%;position:relative}}
§ .wr-long{{overflow:auto;max-height:42em}}
§ .wr-long thead{{position:sticky;top:0;z-index:1;background:{_PAPER};
  backdrop-filter:blur(9px)}}
§ .wr-dim,§ .wr-unknown,§ caption{{color:{_DIM}}}
§ .wr-name{{color:{_hue("#2a7de1")}}}
§ .wr-shape{{color:{_hue("#0f8f8f")}}}
§ .wr-hint{{color:{_hue("#1a9a4b")}}}
§ .wr-flag{{color:{_hue("#c96a00")};font-weight:600}}
§ .wr-title{{font-weight:600;margin:0 0 .3em}}
§ :not(style)+.wr-title{{margin-top:1em}}
§ table{{border-collapse:collapse;width:auto;table-layout:auto;margin:0}}
§ tr,§ tbody tr:nth-child(n){{background:none;border:0}}
§ th,§ td{{padding:.12em .8em .12em 0;text-align:left;vertical-align:middle;font-weight:400;
  border:0;border-bottom:1px solid {_LINE};white-space:nowrap;max-width:none;background:none;
  color:inherit}}
§ thead th{{font-weight:600;color:{_DIM};border-bottom-width:2px}}
§ .wr-right{{text-align:right}}
§ tbody tr:hover{{background:{_FAINT}}}
§ caption{{caption-side:top;text-align:left;padding:0 0 .2em;font-family:system-ui,sans-serif;
  white-space:nowrap}}
§ svg.wr-bars{{display:inline-block;vertical-align:middle;max-width:none;color:{_hue("#2a7de1")}}}
§ .wr-end{{display:inline-block;min-width:8ch;text-align:right}}
§ .wr-tree{{width:100%}}
§ .wr-tree ul{{list-style:none;position:relative}}
§ .wr-tree ul,§ .wr-tree li{{margin:0;padding:0}}
§ .wr-tree ul ul{{background:linear-gradient({_LINE},{_LINE}) no-repeat calc(var(--d)*2ch - 1ch) 0/1px 100%}}
§ .wr-row{{display:grid;grid-template-columns:var(--c);gap:0 1.5ch;align-items:baseline;padding:.08em 0;
  border-bottom:1px solid {_FAINT};min-width:var(--w)}}
§ .wr-row>*{{overflow-wrap:anywhere;min-width:0}}
§ .wr-row>:first-child{{padding-left:calc(var(--d,0)*2ch + 2.5ch);position:relative}}
§ .wr-row:hover{{background:{_FAINT}}}
§ .wr-head{{font-weight:600;color:{_DIM};border-bottom:2px solid {_LINE}}}
§ summary{{cursor:pointer;list-style:none;display:grid}}
§ summary::-webkit-details-marker{{display:none}}
§ summary>:first-child::before{{content:"▸";position:absolute;left:calc(var(--d,0)*2ch + .2em);
  color:{_DIM}}}
§ details[open]>summary>:first-child::before{{content:"▾"}}
§ summary:focus-visible{{outline:2px solid {_hue("#2a7de1")};outline-offset:-2px}}
§ .wr-nowrap{{white-space:nowrap;margin-right:1ch}}
§ .wr-facts th,§ .wr-facts td{{border:0;padding:0 1.5em 0 0;vertical-align:baseline;white-space:normal;
  overflow-wrap:anywhere;line-height:1.5}}
§ .wr-facts th{{font-family:system-ui,sans-serif;white-space:nowrap}}
§ .wr-beside{{display:flex;flex-wrap:wrap;gap:.5em 3em;align-items:flex-start}}
§ .wr-beside>table{{flex:0 1 auto;max-width:32em}}
§ figure{{overflow-x:auto;margin:.5em 0}}
§ .wr-problem{{margin:.4em 0;padding:.1em 0 .1em .7em;border-left:3px solid {_LINE}}}
§ .wr-problem.wr-error{{border-color:#d1242f}}
§ .wr-problem.wr-warning{{border-color:#bf8700}}
§ .wr-problem pre{{overflow-x:auto;white-space:pre}}
§ mark{{background:none;color:{_hue("#e5484d")};font-weight:600;text-decoration:underline wavy;
  text-underline-offset:.25em}}
@media print{{§ .wr-long{{max-height:none}}§ .wr-box,§ figure,§ pre{{overflow:visible}}}}
"""

SHEET = "".join(line.strip(" ") for line in _RULES.splitlines()).replace("§", SCOPE)
"""All of it, to stand in a `<style>`."""
