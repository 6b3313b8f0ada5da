with largest_orders as (

    select * from {{ ref('rpt_largest_orders') }}

),

order_lines as (

    select * from {{ ref('fct_order_lines') }}
    where line_type = 'sale'

),

products as (

    select * from {{ ref('dim_products') }}

),

lines_of_largest_orders as (

    select
        order_lines.*,
        largest_orders.order_rank,
        largest_orders.gross_revenue as order_gross_revenue
    from order_lines
    inner join largest_orders
        on order_lines.order_id = largest_orders.order_id

)

select
    lines_of_largest_orders.order_rank,
    lines_of_largest_orders.order_id,
    lines_of_largest_orders.line_number,
    lines_of_largest_orders.product_id,
    products.product_name,
    lines_of_largest_orders.line_kind,
    lines_of_largest_orders.quantity,
    lines_of_largest_orders.unit_price,
    lines_of_largest_orders.cancelled_quantity,
    lines_of_largest_orders.gross_revenue,
    lines_of_largest_orders.returned_revenue,
    lines_of_largest_orders.discount_revenue,
    lines_of_largest_orders.net_revenue,
    {{ ratio(
        'lines_of_largest_orders.gross_revenue', 'lines_of_largest_orders.order_gross_revenue'
    ) }} as order_gross_revenue_share
from lines_of_largest_orders
left join products
    on lines_of_largest_orders.product_id = products.product_id
