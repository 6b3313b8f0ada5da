with lifecycle_by_dimension as (

    select * from {{ ref('rpt_lifecycle_by_dimension') }}

),

-- The month before the first one of the data is not known; before a value's first month it is
-- known that nobody bought.
compared as (

    select
        *,
        case
            when not is_left_censored_month
                then lag(buyers, 1, cast(0 as bigint)) over (
                    partition by dimension, dimension_value
                    order by order_month
                )
        end as buyers_last_month,
        case
            when not is_left_censored_month
                then lag(inactive, 1, cast(0 as bigint)) over (
                    partition by dimension, dimension_value
                    order by order_month
                )
        end as inactive_last_month
    from lifecycle_by_dimension

)

select
    dimension,
    dimension_value,
    order_month,
    buyers,
    orders,
    revenue,
    repeat_buyers,
    buyers_last_month,
    case when buyers_last_month is not null then active end as buyers_again,
    inactive_last_month,
    case when inactive_last_month is not null then reactivated end as reactivated_buyers,
    new as new_buyers,
    {{ ratio('repeat_buyers', 'buyers') }} as repeat_purchase_rate,
    {{ ratio('active', 'buyers_last_month') }} as retention_rate,
    {{ ratio('reactivated', 'inactive_last_month') }} as reactivation_rate,
    {{ ratio('new', 'buyers') }} as new_buyer_share,
    {{ ratio('reactivated', 'buyers') }} as reactivated_share,
    is_partial_month,
    is_left_censored_month
from compared
