"""The workbooks that municipalities fill in: `form` lays them out, `validation` says what each cell allows."""
