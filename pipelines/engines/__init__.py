"""One module an engine: what it takes and refuses (`choose`, without Beam), and how it is run (`running`)."""
