with ledger as (

    select * from {{ ref('int_order_ledger') }}

),

months as (

    select
        customer_id,
        {{ month_of('known_date') }} as order_month,
        -- Orders of the month that still count at its end; an order undone later counts here.
        sum(case
            when {{ month_of('effective_date') }} = {{ month_of('known_date') }} then order_count
            else 0
        end) as order_count,
        sum(amount) as revenue
    from ledger
    group by customer_id, {{ month_of('known_date') }}

),

placed as (

    select
        *,
        order_count > 0 as is_purchase_month,
        max(case when order_count > 0 then order_month end) over (
            partition by customer_id
            order by order_month
            rows between unbounded preceding and 1 preceding
        ) as previous_purchase_month,
        min(case when order_count > 0 then order_month end) over (
            partition by customer_id
            order by order_month
            rows between 1 following and unbounded following
        ) as next_purchase_month
    from months

),

stated as (

    select
        *,
        case
            when is_purchase_month and previous_purchase_month is null then 'new'
            when
                is_purchase_month
                and {{ months_between('previous_purchase_month', 'order_month') }} = 1
                then 'active'
            when is_purchase_month then 'reactivated'
            when previous_purchase_month is not null then 'inactive'
        end as state
    from placed

)

select
    customer_id,
    order_month,
    state,
    is_purchase_month,
    cast(order_count as bigint) as order_count,
    {{ money('revenue') }} as revenue,
    previous_purchase_month,
    next_purchase_month
from stated
