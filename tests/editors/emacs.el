;;; What eglot shows of checks.wq, as JSON on standard output.  -*- lexical-binding: t -*-

(require 'json)
(package-initialize)
(require 'eglot)
(load (expand-file-name "../../examples/emacs/weightquery.el" (file-name-directory load-file-name)))

(defun until (look)
  "Return what LOOK gives, once that is not nil."
  (let (seen)
    (with-timeout (60 (error "Waited too long for %S" look))
      (while (not (setq seen (funcall look)))
        (accept-process-output nil 0.02)))
    seen))

(defun completions ()
  "Return what completion offers at point."
  (pcase-let ((`(,start ,end ,table . ,_) (eglot-completion-at-point)))
    (mapcar #'substring-no-properties (all-completions (buffer-substring start end) table))))

(defun told ()
  "Return what is told of the thing at point."
  (let (text)
    (eglot-hover-eldoc-function (lambda (shown &rest _) (setq text shown)))
    (substring-no-properties (until (lambda () text)))))

(defun problems ()
  "Return what problems there are: the beginning, the end and the text of each."
  (mapcar (lambda (each)
            (vector (flymake-diagnostic-beg each) (flymake-diagnostic-end each) (flymake-diagnostic-text each)))
          (flymake-diagnostics)))

(setq eglot-sync-connect t)
(find-file "checks.wq")
(apply #'eglot (eglot--guess-contact))
(flymake-start)
(princ
 (json-encode
  `((mode . ,major-mode)
    (problems . ,(until #'problems))
    (completions . ,(progn (goto-char (point-max)) (backward-char) (completions)))
    (hover . ,(progn (goto-char (point-min)) (search-forward "outer_dense:k") (told))))))
(eglot-shutdown (eglot-current-server))
