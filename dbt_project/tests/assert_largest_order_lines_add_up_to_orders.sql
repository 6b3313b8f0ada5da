-- The lines of a largest order are all of its sale lines and add up to it.

with summed as (

    select
        order_id,
        count(*) as line_count,
        sum(quantity) as unit_count,
        sum(gross_revenue) as gross_revenue,
        sum(returned_revenue) as returned_revenue,
        sum(net_revenue) as net_revenue
    from {{ ref('rpt_largest_order_lines') }}
    group by order_id

)

select
    orders.order_id,
    orders.line_count,
    summed.line_count as summed_line_count,
    orders.gross_revenue,
    summed.gross_revenue as summed_gross_revenue
from {{ ref('rpt_largest_orders') }} as orders
full outer join summed
    on orders.order_id = summed.order_id
where
    orders.line_count is distinct from summed.line_count
    or orders.unit_count is distinct from summed.unit_count
    or orders.gross_revenue is distinct from summed.gross_revenue
    or orders.returned_revenue is distinct from summed.returned_revenue
    or orders.net_revenue is distinct from summed.net_revenue
