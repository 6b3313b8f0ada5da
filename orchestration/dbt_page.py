"""dbt's documentation as one page that opens without a network and names no path of this machine.

Belongs here: turning what ``dbt docs generate --static`` writes into that page. Does not belong
here: running dbt (``dbt_runner.py``) and the other generated documents (``generated_docs.py``).
"""

import json
import re
from collections.abc import Iterable
from pathlib import Path

from orchestration.errors import CustomerValueError

#: Nothing may be loaded from anywhere; dbt's page builds its views from text.
_POLICY = (
    '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
    "script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; img-src data:; "
    "font-src data:; base-uri 'none'; form-action 'none'\">"
)
_CHARSET = '<meta charset="utf-8">'
#: Icons whose names Angular fills in: a browser would look for the unfilled name beside the page.
_ICON = 'xlink:href="{{ getIcon('
#: dbt's page shows the types that a database tells; where none is asked, the contract has them.
_DATA_TYPE = re.compile(r'"data_type": ("[^"]+")')
#: Links of the head to files beside the page, of which there are none.
_HEAD_LINKS = re.compile(r'<link rel="(?:canonical|shortcut icon)"[^>]*>')


def offline_page(static_page: str, private_paths: Iterable[Path]) -> str:
    """The page without what it would load and without paths of this machine.

    Args:
        static_page: what ``dbt docs generate --static`` wrote.
        private_paths: folders whose names are cut off the paths in the page, outermost last.

    Raises:
        CustomerValueError: the page is not built as dbt's pages are.
    """
    if static_page.count(_CHARSET) != 1:
        raise CustomerValueError(
            "The page that dbt wrote is not built as expected.",
            "dbt-core may have changed it; see orchestration/dbt_page.py.",
        )
    page = _HEAD_LINKS.sub("", static_page)
    page = page.replace(_ICON, f"ng-attr-{_ICON}")
    page = _DATA_TYPE.sub(r'"data_type": \1, "type": \1', page)
    page = page.replace(
        _CHARSET, f'{_CHARSET}{_POLICY}<link rel="icon" href="data:,">', 1
    )  # fmt: skip
    for path in private_paths:
        for text in dict.fromkeys((str(path), path.as_posix())):
            written = json.dumps(text)[1:-1]
            page = page.replace(f"{written}/", "").replace(written, ".")
    return page
