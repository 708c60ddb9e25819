-- Weight queries (.wq) in Neovim 0.7 or later: put this file into ~/.config/nvim/plugin/.
--
-- vim.g.weightrepl_command = { "/path/to/weightrepl-lsp" }               another server
-- vim.g.weightrepl = { models = { base = "models/base.keras" } }         its settings

-- Runs the query of a code lens, and shows in a window what it gives.
local function run(command, context)
  vim.lsp.get_client_by_id(context.client_id).request("workspace/executeCommand", command, function(failed, result)
    local text = failed and failed.message or result.text or result.error
    vim.lsp.util.open_floating_preview(vim.split(text, "\n"), "text")
  end, context.bufnr)
end

local config = {
  name = "weightrepl",
  cmd = vim.g.weightrepl_command or { "weightrepl-lsp" },
  filetypes = { "weightquery", "python" },
  init_options = { weightrepl = vim.g.weightrepl, showResults = false },
  commands = { ["weightrepl.run"] = run },
}

vim.api.nvim_create_autocmd({ "BufRead", "BufNewFile" }, { pattern = "*.wq", command = "setfiletype weightquery" })
vim.api.nvim_create_autocmd("FileType", { pattern = "weightquery", command = [[setlocal commentstring=#\ %s]] })

if vim.lsp.config then -- Neovim 0.11 or later
  config.root_markers = { ".git" }
  vim.lsp.config("weightrepl", config)
  vim.lsp.enable("weightrepl")
  return
end

local client

local function attach(event)
  config.root_dir = config.root_dir or vim.fn.getcwd()
  client = client or vim.lsp.start_client(config)
  if client then
    vim.lsp.buf_attach_client(event.buf, client)
  end
end

config.on_attach = function(_, buffer)
  if vim.bo[buffer].filetype == "weightquery" then
    vim.bo[buffer].omnifunc = "v:lua.vim.lsp.omnifunc"
    vim.keymap.set("n", "K", vim.lsp.buf.hover, { buffer = buffer })
  end
end
config.on_exit = function()
  client = nil
end
vim.api.nvim_create_autocmd("FileType", { pattern = config.filetypes, callback = attach })
