{{ config(
    materialized='incremental',
    pre_hook="{{ remove_touched('customer_id', among='touched_registrations') }}"
) }}

with lines_outside_orders as (

    select * from {{ ref('fct_order_lines') }}
    where
        line_type <> 'sale'
        and customer_id is not null
        and {{ is_touched('customer_id', among='touched_registrations') }}

),

customers as (

    select * from {{ ref('stg_customers') }}
    where
        (
            registered_date is null
            or registered_date <= (
                select period.as_of_date from {{ ref('int_reporting_period') }} as period
            )
        )
        and {{ is_touched('customer_id', among='touched_registrations') }}

),

orders as (

    select * from {{ ref('fct_orders') }}
    where
        customer_id is not null
        and {{ is_touched('customer_id', among='touched_registrations') }}

),

cancellations as (

    select * from {{ ref('fct_cancellations') }}
    where
        customer_id is not null
        and cancelled_order_id is null
        and {{ is_value_kind('line_kind') }}
        and {{ is_touched('customer_id', among='touched_registrations') }}

),

registered as (

    select
        customer_id,
        min(registered_date) as registered_date,
        max(region) as region
    from customers
    group by customer_id

),

ordering as (

    select
        customer_id,
        min(order_date) as first_order_date,
        max(order_date) as last_order_date,
        max_by(country, cast(ordered_at as varchar) || ' ' || order_id) as country,
        -- A first order without a country or channel stays without: null may not be passed over.
        min_by(coalesce(country, ''), cast(ordered_at as varchar) || ' ' || order_id)
            as first_country,
        min_by(coalesce(channel, ''), cast(ordered_at as varchar) || ' ' || order_id)
            as first_channel,
        count(*) as order_count,
        sum(case when is_fully_cancelled then 1 else 0 end) as cancelled_order_count,
        sum(case when is_valid_order then 1 else 0 end) as valid_order_count,
        sum(value_gross_revenue) as gross_revenue,
        sum(value_returned_revenue) as returned_revenue,
        sum(value_discount_revenue) as discount_revenue
    from orders
    group by customer_id

),

unmatched_returns as (

    select
        customer_id,
        sum(revenue) as returned_revenue
    from cancellations
    group by customer_id

),

outside_orders as (

    select
        customer_id,
        sum(case when {{ is_value_kind('line_kind') }} then discount_revenue else 0 end)
            as discount_revenue
    from lines_outside_orders
    group by customer_id

),

customer_ids as (

    select customer_id from ordering
    union
    select customer_id from outside_orders
    union
    select customer_id from registered

),

joined as (

    select
        customer_ids.customer_id,
        registered.customer_id is not null as is_registered,
        registered.registered_date,
        registered.region,
        ordering.first_order_date,
        ordering.last_order_date,
        ordering.country,
        nullif(ordering.first_country, '') as first_country,
        nullif(ordering.first_channel, '') as first_channel,
        coalesce(ordering.order_count, 0) as order_count,
        coalesce(ordering.cancelled_order_count, 0) as cancelled_order_count,
        coalesce(ordering.valid_order_count, 0) as valid_order_count,
        coalesce(ordering.gross_revenue, 0) as gross_revenue,
        coalesce(ordering.returned_revenue, 0)
        + coalesce(unmatched_returns.returned_revenue, 0) as returned_revenue,
        coalesce(ordering.discount_revenue, 0)
        + coalesce(outside_orders.discount_revenue, 0) as discount_revenue
    from customer_ids
    left join registered
        on customer_ids.customer_id = registered.customer_id
    left join ordering
        on customer_ids.customer_id = ordering.customer_id
    left join unmatched_returns
        on customer_ids.customer_id = unmatched_returns.customer_id
    left join outside_orders
        on customer_ids.customer_id = outside_orders.customer_id

)

select
    customer_id,
    country,
    first_country,
    first_channel,
    region,
    is_registered,
    cast(registered_date as date) as registered_date,
    first_order_date,
    last_order_date,
    cast(order_count as bigint) as order_count,
    cast(cancelled_order_count as bigint) as cancelled_order_count,
    cast(valid_order_count as bigint) as valid_order_count,
    {{ money('gross_revenue') }} as gross_revenue,
    {{ money('returned_revenue') }} as returned_revenue,
    {{ money('discount_revenue') }} as discount_revenue,
    {{ money('gross_revenue - returned_revenue - discount_revenue') }} as net_revenue
from joined
