-- Each month's lines, pieces and revenue are those of its line kinds.

with summed as (

    select
        order_month,
        sum(line_count) as line_count,
        sum(units) as units,
        sum(gross_revenue) as gross_revenue,
        sum(net_revenue) as net_revenue
    from {{ ref('rpt_sales_by_line_kind') }}
    group by order_month

)

select
    coalesce(sales.order_month, summed.order_month) as order_month,
    sales.line_count,
    summed.line_count as summed_line_count
from {{ ref('rpt_sales_by_month') }} as sales
full outer join summed
    on sales.order_month = summed.order_month
where
    coalesce(sales.line_count, 0) <> coalesce(summed.line_count, 0)
    or coalesce(sales.units, 0) <> coalesce(summed.units, 0)
    or coalesce(sales.gross_revenue, 0) <> coalesce(summed.gross_revenue, 0)
    or coalesce(sales.net_revenue, 0) <> coalesce(summed.net_revenue, 0)
