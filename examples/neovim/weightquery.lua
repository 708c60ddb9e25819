-- Weight queries (.wq) in Neovim 0.7 or later: put this file into ~/.config/nvim/plugin/.
--
-- vim.g.weightrepl_command = { "/path/to/weightrepl-lsp" }               another server
-- vim.g.weightrepl = { models = { base = "models/base.keras" } }         its settings

local config = {
  name = "weightrepl",
  cmd = vim.g.weightrepl_command or { "weightrepl-lsp" },
  filetypes = { "weightquery", "python" },
  init_options = vim.g.weightrepl or vim.empty_dict(),
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
  vim.bo[buffer].omnifunc = "v:lua.vim.lsp.omnifunc"
  vim.keymap.set("n", "K", vim.lsp.buf.hover, { buffer = buffer })
end
config.on_exit = function()
  client = nil
end
vim.api.nvim_create_autocmd("FileType", { pattern = config.filetypes, callback = attach })
