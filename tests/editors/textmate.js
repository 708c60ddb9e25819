// The innermost scope of each character (code point) of texts, by the engine of VS Code. Texts come as JSON on standard input.
const fs = require("fs");
const path = require("path");

const grammarFile = process.argv[2];
const installed = (name) => require(path.join(path.dirname(grammarFile), "node_modules", name));
const { Registry, parseRawGrammar, INITIAL } = installed("vscode-textmate");
const oniguruma = installed("vscode-oniguruma");

function scopesOf(grammar, text) {
  const found = [];
  let stack = INITIAL;
  for (const line of text.split("\n")) {
    const { tokens, ruleStack } = grammar.tokenizeLine(line, stack);
    stack = ruleStack;
    for (let at = 0; at < line.length; at += line.codePointAt(at) > 0xffff ? 2 : 1) {
      const token = tokens.find((each) => each.startIndex <= at && at < each.endIndex);
      found.push(token && token.scopes.length > 1 ? token.scopes[token.scopes.length - 1] : null);
    }
    found.push(null);
  }
  return found.slice(0, -1);
}

async function main() {
  const wasm = path.join(path.dirname(grammarFile), "node_modules/vscode-oniguruma/release/onig.wasm");
  await oniguruma.loadWASM(fs.readFileSync(wasm).buffer);
  const registry = new Registry({
    onigLib: Promise.resolve({
      createOnigScanner: (patterns) => new oniguruma.OnigScanner(patterns),
      createOnigString: (text) => new oniguruma.OnigString(text),
    }),
    loadGrammar: async () => parseRawGrammar(fs.readFileSync(grammarFile, "utf8"), grammarFile),
  });
  const grammar = await registry.loadGrammar("source.weightquery");
  const texts = JSON.parse(fs.readFileSync(0, "utf8"));
  process.stdout.write(JSON.stringify(texts.map((text) => scopesOf(grammar, text))));
}

main();
