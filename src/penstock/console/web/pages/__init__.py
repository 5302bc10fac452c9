"""One module a page, each with `build(view)`; `registry` says which there are."""
