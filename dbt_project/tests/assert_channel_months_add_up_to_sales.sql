-- In each month the values of a dimension hold every order, and every return but those without one.

with summed as (

    select
        dimension,
        order_month,
        sum(orders) as orders,
        sum(returned_revenue) as returned_revenue
    from {{ ref('rpt_channel_share_by_month') }}
    group by dimension, order_month

),

matched_returns as (

    select
        {{ month_of('cancellation_date') }} as order_month,
        sum(revenue) as returned_revenue
    from {{ ref('fct_cancellations') }}
    where cancelled_order_id is not null
    group by {{ month_of('cancellation_date') }}

),

dimensions as (

    select dimension from summed
    group by dimension

),

expected as (

    select
        dimensions.dimension,
        sales.order_month,
        sales.orders,
        coalesce(matched_returns.returned_revenue, 0) as returned_revenue
    from {{ ref('rpt_sales_by_month') }} as sales
    left join matched_returns
        on sales.order_month = matched_returns.order_month
    cross join dimensions

)

select
    expected.dimension,
    expected.order_month,
    expected.orders,
    summed.orders as summed_orders
from expected
left join summed
    on
        expected.dimension = summed.dimension
        and expected.order_month = summed.order_month
where
    expected.orders <> coalesce(summed.orders, 0)
    or expected.returned_revenue <> coalesce(summed.returned_revenue, 0)
