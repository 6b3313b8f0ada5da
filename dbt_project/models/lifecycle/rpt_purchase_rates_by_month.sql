with purchase_months as (

    select * from {{ ref('fct_purchase_months') }}

),

lifecycle_by_month as (

    select * from {{ ref('rpt_lifecycle_by_month') }}

),

summed as (

    select
        order_month,
        sum(order_count) as order_count,
        sum(revenue) as revenue,
        sum(case when order_count > 1 then 1 else 0 end) as repeat_buyer_count
    from purchase_months
    group by order_month

),

compared as (

    select
        lifecycle_by_month.order_month,
        lifecycle_by_month.buyers,
        coalesce(summed.order_count, 0) as orders,
        coalesce(summed.revenue, 0) as revenue,
        coalesce(summed.repeat_buyer_count, 0) as repeat_buyers,
        lag(lifecycle_by_month.buyers) over (order by lifecycle_by_month.order_month)
            as buyers_last_month,
        lag(lifecycle_by_month.inactive) over (order by lifecycle_by_month.order_month)
            as inactive_last_month,
        lifecycle_by_month.active as buyers_again,
        lifecycle_by_month.reactivated as reactivated_buyers,
        lifecycle_by_month.new as new_buyers,
        lifecycle_by_month.is_partial_month,
        lifecycle_by_month.is_left_censored_month
    from lifecycle_by_month
    left join summed
        on lifecycle_by_month.order_month = summed.order_month

)

select
    order_month,
    buyers,
    cast(orders as bigint) as orders,
    {{ money('revenue') }} as revenue,
    cast(repeat_buyers as bigint) as repeat_buyers,
    buyers_last_month,
    case when buyers_last_month is not null then buyers_again end as buyers_again,
    inactive_last_month,
    case when inactive_last_month is not null then reactivated_buyers end as reactivated_buyers,
    new_buyers,
    {{ ratio('repeat_buyers', 'buyers') }} as repeat_purchase_rate,
    {{ ratio('buyers_again', 'buyers_last_month') }} as retention_rate,
    {{ ratio('reactivated_buyers', 'inactive_last_month') }} as reactivation_rate,
    {{ ratio('new_buyers', 'buyers') }} as new_buyer_share,
    {{ ratio('reactivated_buyers', 'buyers') }} as reactivated_share,
    is_partial_month,
    is_left_censored_month
from compared
