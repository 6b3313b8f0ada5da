{{ config(
    materialized='incremental',
    pre_hook="{{ remove_touched('customer_id') }}"
) }}

{%- set is_net = var('monetary_basis') == 'net' %}

with ledger as (

    select * from {{ ref('int_order_ledger') }}

),

discounted_orders as (

    select * from {{ built_orders() }}
    where
        customer_id is not null
        and order_date = last_line_date
        and value_discount_revenue <> 0

),

orders_over_several_dates as (

    select
        order_id,
        customer_id
    from {{ built_orders() }}
    where
        customer_id is not null
        and order_date <> last_line_date

),

discounted_lines as (

    select * from {{ built_order_lines() }}
    where
        line_type = 'sale'
        and discount_revenue <> 0
        and {{ is_value_kind('line_kind') }}

),

discount_lines as (

    select * from {{ built_order_lines() }}
    where
        line_type = 'discount'
        and customer_id is not null
        and {{ is_value_kind('line_kind') }}

),

cancellations as (

    select * from {{ ref('fct_cancellations') }}
    where
        customer_id is not null
        and {{ is_value_kind('line_kind') }}
        and {{ is_touched('order_id', 'cancelling_order_id') }}

),

-- A line without a customer counts as its order's customer's, and so does what undoes it.
cancellations_of_orders as (

    select * from {{ ref('fct_cancellations') }}
    where
        customer_id is null
        and cancelled_order_id is not null
        and {{ is_value_kind('line_kind') }}
        and {{ is_touched('order_id', 'cancelling_order_id') }}

),

returned_orders as (

    select
        order_id,
        customer_id
    from {{ built_orders() }}
    where
        customer_id is not null
        and value_returned_revenue <> 0

),

-- What lies between gross and net, each on its own date.
reductions as (

    select
        customer_id,
        order_date as known_date,
        value_discount_revenue as amount
    from discounted_orders
    union all
    select
        orders_over_several_dates.customer_id,
        discounted_lines.order_date as known_date,
        discounted_lines.discount_revenue as amount
    from discounted_lines
    inner join orders_over_several_dates
        on discounted_lines.order_id = orders_over_several_dates.order_id
    union all
    select
        customer_id,
        order_date as known_date,
        discount_revenue as amount
    from discount_lines
    union all
    select
        customer_id,
        cancellation_date as known_date,
        revenue as amount
    from cancellations
    union all
    select
        returned_orders.customer_id,
        cancellations_of_orders.cancellation_date as known_date,
        cancellations_of_orders.revenue as amount
    from cancellations_of_orders
    inner join returned_orders
        on cancellations_of_orders.cancelled_order_id = returned_orders.order_id

),

-- The ledger holds one basis, and the reductions lead from it to the other.
movements as (

    select
        customer_id,
        {{ month_of('known_date') }} as order_month,
        -- Orders of the month that still count at its end; an order undone later counts here.
        case
            when {{ month_of('effective_date') }} = {{ month_of('known_date') }} then order_count
            else 0
        end as order_count,
        amount as revenue,
        {{ money('0') }} as reduction
    from ledger
    union all
    select
        customer_id,
        {{ month_of('known_date') }} as order_month,
        0 as order_count,
        {{ money('0') }} as revenue,
        amount as reduction
    from reductions

),

months as (

    select
        customer_id,
        order_month,
        sum(order_count) as order_count,
        sum(revenue) as revenue,
        sum({{ 'revenue + reduction' if is_net else 'revenue' }}) as gross_revenue,
        sum({{ 'revenue' if is_net else 'revenue - reduction' }}) as net_revenue
    from movements
    group by customer_id, order_month

),

purchases as (

    select
        customer_id,
        order_month,
        order_count,
        revenue,
        gross_revenue,
        net_revenue,
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
        gross_revenue,
        net_revenue,
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
        other_months.gross_revenue,
        other_months.net_revenue,
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
    {{ money('gross_revenue') }} as gross_revenue,
    {{ money('net_revenue') }} as net_revenue,
    next_purchase_month
from stated
