"""The server: questions in, cited passages out, over HTTP and channels."""
