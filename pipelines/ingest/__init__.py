"""From files in the inbox to accepted rows: discovery, reading, validating, choosing which delivery counts.

`inbox` finds the files, `pool` has them read by limited child processes (`worker` and the modules it imports:
`archive`, `workbook`, `csv_file`, `parquet_file`, `sheet`, `text`), `answers` and `rules` validate the rows, `messages`
says in Danish what is wrong, `intake` puts the steps together. The extracts of management information go the same way:
`forms` says what they are, `extract_rules` what else their rows may break, `overlaps` which of them run at the same time,
`extracts` puts the steps together.
"""
