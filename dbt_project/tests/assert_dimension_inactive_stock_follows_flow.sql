-- inactive(t) = inactive(t-1) + newly_lapsed(t) - reactivated(t) for every value, and a value has
-- every month from its first to the last of the data.

with compared as (

    select
        dimension,
        dimension_value,
        order_month,
        inactive,
        lag(inactive, 1, 0) over (
            partition by dimension, dimension_value
            order by order_month
        ) + newly_lapsed - reactivated as expected_inactive,
        lead(order_month) over (
            partition by dimension, dimension_value
            order by order_month
        ) as next_row_month
    from {{ ref('rpt_lifecycle_by_dimension') }}

),

months as (

    select
        order_month,
        lead(order_month) over (order by order_month) as next_month
    from {{ ref('dim_months') }}

)

select
    compared.dimension,
    compared.dimension_value,
    compared.order_month,
    compared.inactive,
    compared.expected_inactive
from compared
left join months
    on compared.order_month = months.order_month
where
    compared.inactive <> compared.expected_inactive
    or compared.next_row_month is distinct from months.next_month
