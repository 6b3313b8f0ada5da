-- Layered equals unlayered: buyers, orders and revenue by state add up to those of the month.

with by_state as (

    select
        order_month,
        state,
        count(*) filter (where is_purchase_month) as buyers,
        sum(order_count) as orders,
        sum(revenue) as revenue
    from {{ ref('fct_purchase_months') }}
    group by order_month, state

),

layered as (

    select
        order_month,
        sum(case when state in ('new', 'active', 'reactivated') then buyers else 0 end) as buyers,
        sum(orders) as orders,
        sum(revenue) as revenue
    from by_state
    group by order_month

)

select
    rates.order_month,
    rates.buyers,
    layered.buyers as buyers_by_state,
    rates.orders,
    layered.orders as orders_by_state,
    rates.revenue,
    layered.revenue as revenue_by_state
from {{ ref('rpt_purchase_rates_by_month') }} as rates
left join layered
    on rates.order_month = layered.order_month
where
    rates.buyers <> coalesce(layered.buyers, 0)
    or rates.orders <> coalesce(layered.orders, 0)
    or rates.revenue <> coalesce(layered.revenue, 0)
