"""Files of every format, read into batches of rows and written from them."""
