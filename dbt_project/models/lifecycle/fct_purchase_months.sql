{{ config(
    materialized='incremental',
    pre_hook="{{ remove_touched('customer_id') }}"
) }}

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

purchases as (

    select
        customer_id,
        order_month,
        order_count,
        revenue,
        lag(order_month) over (partition by customer_id order by order_month)
            as previous_purchase_month,
        lead(order_month) over (partition by customer_id order by order_month)
            as next_purchase_month
    from months
    where order_count > 0

),

-- Months in which money moved and nothing was bought: returns of earlier purchases.
other_months as (

    select * from months
    where order_count <= 0

),

first_purchases as (

    select
        customer_id,
        min(order_month) as first_purchase_month
    from purchases
    where customer_id in (select other_months.customer_id from other_months)
    group by customer_id

),

stated as (

    select
        customer_id,
        order_month,
        case
            when previous_purchase_month is null then 'new'
            when {{ months_between('previous_purchase_month', 'order_month') }} = 1 then 'active'
            else 'reactivated'
        end as state,
        true as is_purchase_month,
        order_count,
        revenue,
        next_purchase_month
    from purchases
    union all
    select
        other_months.customer_id,
        other_months.order_month,
        case
            when first_purchases.first_purchase_month < other_months.order_month then 'inactive'
        end as state,
        false as is_purchase_month,
        other_months.order_count,
        other_months.revenue,
        cast(null as date) as next_purchase_month
    from other_months
    left join first_purchases
        on other_months.customer_id = first_purchases.customer_id

)

select
    customer_id,
    order_month,
    state,
    is_purchase_month,
    cast(order_count as bigint) as order_count,
    {{ money('revenue') }} as revenue,
    next_purchase_month
from stated
