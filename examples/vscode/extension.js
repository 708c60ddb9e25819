// Starts weightrepl-lsp for query files and for Python, and shows what a query gives that was run.
const vscode = require("vscode");
const { LanguageClient } = require("vscode-languageclient/node");

const RUN = "weightrepl.run";

let client;

// Python is coloured by Python's own extension.
const isQueryFile = (document) => document.languageId === "weightquery";

async function activate(context) {
  const results = vscode.window.createOutputChannel("Weights");
  const [command, ...args] = vscode.workspace.getConfiguration("weightrepl").get("command");
  client = new LanguageClient(
    "weightrepl",
    "Weight queries",
    { command, args },
    {
      documentSelector: [{ language: "weightquery" }, { language: "python" }],
      initializationOptions: { showResults: false }, // they are shown here
      synchronize: { configurationSection: "weightrepl" },
      middleware: {
        provideDocumentSemanticTokens: (document, token, next) => isQueryFile(document) ? next(document, token) : null,
        provideDocumentRangeSemanticTokens: (document, range, token, next) =>
          isQueryFile(document) ? next(document, range, token) : null,
        executeCommand: async (name, given, next) => {
          const result = await next(name, given);
          if (name === RUN && result) {
            results.appendLine(`${result.query ?? ""}\n${result.text ?? result.error}\n`);
            results.show(true);
          }
          return result;
        },
      },
    },
  );
  context.subscriptions.push(results, client);
  await client.start();
}

function deactivate() {
  return client?.stop();
}

module.exports = { activate, deactivate };
