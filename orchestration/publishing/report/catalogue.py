"""All sections of the report, in their order.

Belongs here: the order. Does not belong here: what they contain (``sections/``).
"""

from orchestration.publishing.report.exhibits import Section
from orchestration.publishing.report.sections.clusters import CLUSTERS
from orchestration.publishing.report.sections.customers import CUSTOMERS
from orchestration.publishing.report.sections.orders import ORDERS
from orchestration.publishing.report.sections.overview import OVERVIEW
from orchestration.publishing.report.sections.products import PRODUCTS
from orchestration.publishing.report.sections.quality import QUALITY
from orchestration.publishing.report.sections.sales import SALES
from orchestration.publishing.report.sections.segments import SEGMENTS

SECTIONS: tuple[Section, ...] = (
    OVERVIEW,
    SALES,
    ORDERS,
    PRODUCTS,
    CUSTOMERS,
    SEGMENTS,
    CLUSTERS,
    QUALITY,
)
