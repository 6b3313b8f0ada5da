"""The report: one self-contained HTML page made from published marts.

Belongs here: what is shown (``sections/``), how a chart is described (``exhibits.py``), drawn
(``parts.py``) and coloured (``palette.py``), and how the page is put together (``assemble.py``,
``page.py``) and written (``write.py``). Does not belong here: any figure that the published tables
do not hold; nothing is computed beyond what the SQL shown beside each chart says.
"""
