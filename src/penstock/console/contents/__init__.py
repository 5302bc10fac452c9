"""The control plane's part of contents: bringing them in, showing, finding and erasing them."""
