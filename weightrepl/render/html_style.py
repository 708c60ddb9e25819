"""The style of our HTML: one sheet under one class, in the colours of whatever page it stands in."""

from __future__ import annotations

SCOPE = ".weightrepl.weightrepl.weightrepl"
"""Thrice, so that it goes before what Jupyter has for all tables and lists in an output."""

_DIM = "color-mix(in oklab, currentColor 72%, transparent)"
_LINE = "color-mix(in oklab, currentColor 16%, transparent)"
_PAPER = "var(--jp-layout-color0,var(--vscode-editor-background,var(--colab-primary-surface-color,Canvas)))"
_FAINT = "color-mix(in oklab, currentColor 6%, transparent)"


def _hue(colour: str) -> str:
    """Return a colour that stands out on light and dark alike: the text's own, with some of a hue in it."""
    return f"color-mix(in oklab, currentColor 42%, {colour})"


_RULES = f"""
§{{font:13px/1.5 system-ui,sans-serif;color:inherit;text-align:left;margin:0;max-width:100%}}
§ p,§ ul,§ li,§ dl,§ dd,§ dt,§ figure,§ pre,§ details,§ summary,§ caption,§ table{{margin:0;
  padding:0;font-size:inherit;line-height:inherit;color:inherit;background:none;border:0}}
§ code,§ pre,§ table,§ .tree,§ dd{{
  font-family:var(--jp-code-font-family,ui-monospace,SFMono-Regular,Menlo,Consolas,monospace);
  font-size:12px;font-variant-numeric:tabular-nums}}
§ code{{background:none;padding:0;color:inherit}}
§ .s{{display:none}}
§ .u{{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}}
§ .box{{overflow-x:auto;max-width:100%;position:relative;container-type:inline-size}}
§ .long{{overflow:auto;max-height:42em}}
§ .long thead{{position:sticky;top:0;z-index:1;background:{_PAPER}}}
§ .dim,§ .unknown,§ caption{{color:{_DIM}}}
§ .name{{color:{_hue("#2a7de1")}}}
§ .shape{{color:{_hue("#0f8f8f")}}}
§ .hint{{color:{_hue("#1a9a4b")}}}
§ .flag{{color:{_hue("#c96a00")};font-weight:600}}
§ .title{{font-weight:600;margin:0 0 .3em}}
§ :not(style)+.title{{margin-top:1em}}
§ table{{border-collapse:collapse;width:auto;table-layout:auto;margin:0}}
§ tr,§ tbody tr:nth-child(n){{background:none;border:0}}
§ th,§ td{{padding:.12em 1em .12em 0;text-align:left;vertical-align:middle;font-weight:400;
  border:0;border-bottom:1px solid {_LINE};white-space:nowrap;max-width:none;background:none;
  color:inherit}}
§ thead th{{font-weight:600;color:{_DIM};border-bottom-width:2px}}
§ th.name,§ td.name{{color:{_hue("#2a7de1")}}}
§ th.dim{{color:{_DIM}}}
§ td.shape{{color:{_hue("#0f8f8f")}}}
§ td.unknown{{color:{_DIM}}}
§ td.flag{{color:{_hue("#c96a00")}}}
§ .right{{text-align:right}}
§ tbody tr:hover{{background:{_FAINT}}}
§ caption{{caption-side:top;text-align:left;padding:0 0 .2em;font-family:system-ui,sans-serif;
  white-space:nowrap}}
§ svg.bars{{display:inline-block;vertical-align:middle;max-width:none;color:{_hue("#2a7de1")}}}
§ .end{{display:inline-block;min-width:8ch;text-align:right}}
§ .tree{{width:100%}}
§ .tree ul{{list-style:none;position:relative}}
§ .tree ul,§ .tree li{{margin:0;padding:0}}
§ .tree ul ul{{background:linear-gradient({_LINE},{_LINE}) no-repeat calc(var(--d)*2ch - 1ch) 0/1px 100%}}
§ .row{{display:grid;grid-template-columns:var(--c);gap:0 1.5ch;align-items:baseline;padding:.08em 0;
  border-bottom:1px solid {_FAINT};min-width:var(--w)}}
§ .row>*{{overflow-wrap:anywhere;min-width:0}}
§ .row>:first-child{{padding-left:calc(var(--d,0)*2ch + 2.5ch);position:relative}}
§ .row:hover{{background:{_FAINT}}}
§ .head{{font-weight:600;color:{_DIM};border-bottom:2px solid {_LINE}}}
§ summary{{cursor:pointer;list-style:none;display:grid}}
§ summary::-webkit-details-marker{{display:none}}
§ summary>:first-child::before{{content:"▸";position:absolute;left:calc(var(--d,0)*2ch + .2em);
  color:{_DIM}}}
§ details[open]>summary>:first-child::before{{content:"▾"}}
§ summary:focus-visible{{outline:2px solid {_hue("#2a7de1")};outline-offset:-2px}}
§ .nowrap{{white-space:nowrap;margin-right:1ch}}
§ dl{{display:grid;grid-template-columns:max-content minmax(0,1fr);gap:0 1.5em}}
§ dt{{color:{_DIM};font-weight:400}}
§ dd{{overflow-wrap:anywhere}}
§ .beside{{display:flex;flex-wrap:wrap;gap:.5em 3em;align-items:flex-start}}
§ .beside>dl{{flex:1 1 23em;max-width:36em}}
§ figure{{overflow-x:auto;margin:.5em 0}}
§ .problem{{margin:.4em 0;padding:.1em 0 .1em .7em;border-left:3px solid {_LINE}}}
§ .problem.error{{border-color:#d1242f}}
§ .problem.warning{{border-color:#bf8700}}
§ .problem pre{{overflow-x:auto;white-space:pre}}
§ mark{{background:none;color:{_hue("#d1242f")};font-weight:600;text-decoration:underline wavy;
  text-underline-offset:.25em}}
@container (max-width:720px){{§ .row{{min-width:var(--f)}}}}
@media print{{§ .long{{max-height:none}}§ .box,§ figure,§ pre{{overflow:visible}}}}
"""

SHEET = "".join(line.strip(" ") for line in _RULES.splitlines()).replace("§", SCOPE)
"""All of it, to stand in a `<style>`."""
