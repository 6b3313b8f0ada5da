with orders as (

    select * from {{ ref('fct_orders') }}

),

cancellations as (

    select * from {{ ref('fct_cancellations') }}
    where cancelled_order_id is not null

),

sales_by_month as (

    select * from {{ ref('rpt_sales_by_month') }}

),

largest_orders as (

    select * from orders
    order by gross_revenue desc, order_id asc
    limit {{ var('largest_orders') | int }}

),

largest as (

    select
        *,
        row_number() over (order by gross_revenue desc, order_id asc) as order_rank
    from largest_orders

),

cancelled as (

    select
        cancelled_order_id as order_id,
        min(cancelling_order_id) as first_cancelling_order_id,
        min(cancelled_at) as first_cancelled_at
    from cancellations
    where cancelled_order_id in (select largest_orders.order_id from largest_orders)
    group by cancelled_order_id

)

select
    cast(largest.order_rank as bigint) as order_rank,
    largest.order_id,
    largest.customer_id,
    largest.country,
    largest.ordered_at,
    largest.order_date,
    largest.line_count,
    largest.unit_count,
    largest.gross_revenue,
    {{ ratio('largest.gross_revenue', 'sales_by_month.gross_revenue') }}
        as month_gross_revenue_share,
    largest.returned_revenue,
    largest.discount_revenue,
    largest.net_revenue,
    largest.is_fully_cancelled,
    cancelled.first_cancelling_order_id,
    cast(
        {{ dbt.datediff('largest.ordered_at', 'cancelled.first_cancelled_at', 'minute') }} as bigint
    ) as minutes_to_first_cancellation
from largest
left join cancelled
    on largest.order_id = cancelled.order_id
left join sales_by_month
    on {{ month_of('largest.order_date') }} = sales_by_month.order_month
