-- Orders and what was undone of them: a return counts in its own month, under the channel, platform
-- and country of the order that it undoes. A return without an order has none of these and is in
-- the totals of rpt_sales_by_month only, as are discount lines.

{{ config(
    materialized='incremental',
    pre_hook="{{ remove_touched_months('order_month') }}"
) }}

{%- set dimensions = ['channel', 'platform', 'country'] %}
{%- set sums = ['order_count', 'gross_revenue', 'returned_revenue', 'discount_revenue'] %}

with orders as (

    select * from {{ ref('fct_orders') }}
    where {{ is_month_touched(month_of('order_date')) }}

),

returned_orders as (

    select * from {{ ref('fct_orders') }}
    where returned_revenue <> 0

),

cancellations as (

    select * from {{ ref('fct_cancellations') }}
    where
        cancelled_order_id is not null
        and {{ is_month_touched(month_of('cancellation_date')) }}

),

months as (

    select * from {{ ref('dim_months') }}
    where {{ is_month_touched('order_month') }}

),

-- One pass over the orders for all dimensions.
booked as (

    select
        {{ month_of('order_date') }} as order_month,
        channel,
        platform,
        country,
        customer_id,
        count(*) as order_count,
        sum(gross_revenue) as gross_revenue,
        sum(discount_revenue) as discount_revenue
    from orders
    group by {{ month_of('order_date') }}, channel, platform, country, customer_id

),

returns_by_order as (

    select
        cancelled_order_id,
        {{ month_of('cancellation_date') }} as order_month,
        sum(revenue) as returned_revenue
    from cancellations
    group by cancelled_order_id, {{ month_of('cancellation_date') }}

),

returned as (

    select
        returns_by_order.order_month,
        returned_orders.channel,
        returned_orders.platform,
        returned_orders.country,
        sum(returns_by_order.returned_revenue) as returned_revenue
    from returns_by_order
    inner join returned_orders
        on returns_by_order.cancelled_order_id = returned_orders.order_id
    group by
        returns_by_order.order_month,
        returned_orders.channel,
        returned_orders.platform,
        returned_orders.country

),

by_dimension as (

    {%- for dimension in dimensions %}
    select
        '{{ dimension }}' as dimension,
        coalesce({{ dimension }}, 'unknown') as dimension_value,
        order_month,
        sum(order_count) as order_count,
        count(distinct customer_id) as buyer_count,
        sum(gross_revenue) as gross_revenue,
        {{ money('0') }} as returned_revenue,
        sum(discount_revenue) as discount_revenue
    from booked
    group by coalesce({{ dimension }}, 'unknown'), order_month
    union all
    select
        '{{ dimension }}' as dimension,
        coalesce({{ dimension }}, 'unknown') as dimension_value,
        order_month,
        0 as order_count,
        0 as buyer_count,
        {{ money('0') }} as gross_revenue,
        returned_revenue,
        {{ money('0') }} as discount_revenue
    from returned
    {{ 'union all' if not loop.last }}
    {%- endfor %}

),

summed as (

    select
        dimension,
        dimension_value,
        order_month,
        sum(buyer_count) as buyer_count,
        {%- for column in sums %}
        sum({{ column }}) as {{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
    from by_dimension
    group by dimension, dimension_value, order_month

),

values_seen as (

    select
        dimension,
        dimension_value,
        order_month
    from summed
    {%- if is_incremental_build() %}
    union all
    select
        dimension,
        dimension_value,
        order_month
    from {{ this }}
    {%- endif %}

),

value_ranges as (

    select
        dimension,
        dimension_value,
        min(order_month) as first_value_month
    from values_seen
    group by dimension, dimension_value

),

filled as (

    select
        value_ranges.dimension,
        value_ranges.dimension_value,
        months.order_month,
        months.is_partial_month,
        coalesce(summed.buyer_count, 0) as buyer_count,
        {%- for column in sums %}
        coalesce(summed.{{ column }}, 0) as {{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
    from value_ranges
    inner join months
        on value_ranges.first_value_month <= months.order_month
    left join summed
        on
            value_ranges.dimension = summed.dimension
            and value_ranges.dimension_value = summed.dimension_value
            and months.order_month = summed.order_month

),

netted as (

    select
        *,
        gross_revenue - returned_revenue - discount_revenue as net_revenue
    from filled

),

totalled as (

    select
        *,
        {%- for column in ['order_count', 'gross_revenue', 'net_revenue'] %}
        sum({{ column }}) over (partition by dimension, order_month) as total_{{ column }}
        {{- ',' if not loop.last }}
        {%- endfor %}
    from netted

)

select
    dimension,
    dimension_value,
    order_month,
    cast(order_count as bigint) as orders,
    cast(buyer_count as bigint) as buyers,
    {{ money('gross_revenue') }} as gross_revenue,
    {{ money('returned_revenue') }} as returned_revenue,
    {{ money('discount_revenue') }} as discount_revenue,
    {{ money('net_revenue') }} as net_revenue,
    {{ ratio('order_count', 'total_order_count') }} as order_share,
    {{ ratio('gross_revenue', 'total_gross_revenue') }} as gross_revenue_share,
    {{ ratio('net_revenue', 'total_net_revenue') }} as net_revenue_share,
    is_partial_month
from totalled
