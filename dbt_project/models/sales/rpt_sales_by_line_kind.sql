{{ config(
    materialized='incremental',
    pre_hook="{{ remove_touched_months('order_month') }}"
) }}

with order_lines as (

    select * from {{ ref('fct_order_lines') }}
    where {{ is_month_touched(month_of('order_date')) }}

),

cancellations as (

    select * from {{ ref('fct_cancellations') }}
    where {{ is_month_touched(month_of('cancellation_date')) }}

),

booked as (

    select
        {{ month_of('order_date') }} as order_month,
        line_kind,
        customer_id is not null as is_known_customer,
        sum(case when line_type = 'sale' then 1 else 0 end) as line_count,
        sum(case when line_type = 'sale' then quantity else 0 end) as unit_count,
        sum(gross_revenue) as gross_revenue,
        sum(discount_revenue) as discount_revenue
    from order_lines
    group by {{ month_of('order_date') }}, line_kind, customer_id is not null

),

-- A return counts in the month of the return, under the kind of the line that it undoes.
returned as (

    select
        {{ month_of('cancellation_date') }} as order_month,
        line_kind,
        customer_id is not null as is_known_customer,
        sum(quantity) as returned_unit_count,
        sum(revenue) as returned_revenue
    from cancellations
    group by {{ month_of('cancellation_date') }}, line_kind, customer_id is not null

),

joined as (

    select
        coalesce(booked.order_month, returned.order_month) as order_month,
        coalesce(booked.line_kind, returned.line_kind) as line_kind,
        coalesce(booked.is_known_customer, returned.is_known_customer) as is_known_customer,
        coalesce(booked.line_count, 0) as line_count,
        coalesce(booked.unit_count, 0) as unit_count,
        coalesce(returned.returned_unit_count, 0) as returned_unit_count,
        coalesce(booked.gross_revenue, 0) as gross_revenue,
        coalesce(returned.returned_revenue, 0) as returned_revenue,
        coalesce(booked.discount_revenue, 0) as discount_revenue
    from booked
    full outer join returned
        on
            booked.order_month = returned.order_month
            and booked.line_kind = returned.line_kind
            and booked.is_known_customer = returned.is_known_customer

)

select
    order_month,
    line_kind,
    is_known_customer,
    cast(line_count as bigint) as line_count,
    cast(unit_count as bigint) as units,
    cast(returned_unit_count as bigint) as returned_units,
    {{ money('gross_revenue') }} as gross_revenue,
    {{ money('returned_revenue') }} as returned_revenue,
    {{ money('discount_revenue') }} as discount_revenue,
    {{ money('gross_revenue - returned_revenue - discount_revenue') }} as net_revenue
from joined
