"""One module per outside system; absent from the cluster means absent here."""
