-- Before, after and change of a month's movements are those of the revenue by month.

with walk as (

    select
        scheme,
        order_month,
        sum(revenue_before) as revenue_before,
        sum(revenue_after) as revenue_after,
        sum(revenue_change) as revenue_change
    from {{ ref('rpt_revenue_walk') }}
    group by scheme, order_month

),

months as (

    select
        order_month,
        revenue,
        lag(revenue) over (order by order_month) as revenue_last_month
    from {{ ref('rpt_purchase_rates_by_month') }}

)

select
    walk.scheme,
    walk.order_month,
    walk.revenue_before,
    months.revenue_last_month,
    walk.revenue_after,
    months.revenue
from walk
left join months
    on walk.order_month = months.order_month
where
    months.order_month is null
    or walk.revenue_before <> months.revenue_last_month
    or walk.revenue_after <> months.revenue
    or walk.revenue_change <> months.revenue - months.revenue_last_month
