-- The price bands together hold what the sales report holds for products.

with banded as (

    select
        sum(line_count) as line_count,
        sum(units) as units,
        sum(gross_revenue) as gross_revenue
    from {{ ref('rpt_price_bands') }}

),

sales as (

    select
        sum(line_count) as line_count,
        sum(units) as units,
        sum(gross_revenue) as gross_revenue
    from {{ ref('rpt_sales_by_line_kind') }}
    where line_kind = 'product'

)

select
    banded.line_count,
    sales.line_count as sales_line_count,
    banded.gross_revenue,
    sales.gross_revenue as sales_gross_revenue
from banded
cross join sales
where
    banded.line_count <> coalesce(sales.line_count, 0)
    or banded.units <> coalesce(sales.units, 0)
    or banded.gross_revenue <> coalesce(sales.gross_revenue, 0)
