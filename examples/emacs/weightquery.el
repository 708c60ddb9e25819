;;; weightquery.el --- Queries over the weights of models  -*- lexical-binding: t -*-

;; A mode for .wq files.  M-x eglot, or M-x lsp, starts weightrepl-lsp for one.

(defvar weightquery-mode-syntax-table
  (let ((table (make-syntax-table)))
    (modify-syntax-entry ?# "<" table)
    (modify-syntax-entry ?\n ">" table)
    (modify-syntax-entry ?' "\"" table)
    (dolist (char (string-to-list "/:*?|,!@$~=<>+&"))
      (modify-syntax-entry char "." table))
    table)
  "Names end where the language says so, which completion has to know.")

(define-derived-mode weightquery-mode prog-mode "Weights"
  "Major mode for weight queries."
  (setq-local comment-start "# "))

;;;###autoload
(add-to-list 'auto-mode-alist '("\\.wq\\'" . weightquery-mode))

(with-eval-after-load 'eglot
  (add-to-list 'eglot-server-programs '(weightquery-mode "weightrepl-lsp")))

(with-eval-after-load 'lsp-mode
  (add-to-list 'lsp-language-id-configuration '(weightquery-mode . "weightquery"))
  (lsp-register-client
   (make-lsp-client :new-connection (lsp-stdio-connection "weightrepl-lsp")
                    :activation-fn (lsp-activate-on "weightquery")
                    :server-id 'weightrepl)))

(provide 'weightquery)
;;; weightquery.el ends here
