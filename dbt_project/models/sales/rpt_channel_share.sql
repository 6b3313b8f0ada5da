{%- set dimensions = ['channel', 'platform', 'country'] %}

with orders as (

    select * from {{ ref('fct_orders') }}

),

-- One pass over the orders for all dimensions; customers seldom change any of them.
by_customer as (

    select
        channel,
        platform,
        country,
        customer_id,
        count(*) as order_count,
        sum(gross_revenue) as gross_revenue,
        sum(net_revenue) as net_revenue
    from orders
    group by channel, platform, country, customer_id

),

by_dimension as (

    {%- for dimension in dimensions %}
    select
        '{{ dimension }}' as dimension,
        coalesce({{ dimension }}, 'unknown') as dimension_value,
        sum(order_count) as order_count,
        count(distinct customer_id) as buyer_count,
        sum(gross_revenue) as gross_revenue,
        sum(net_revenue) as net_revenue
    from by_customer
    group by coalesce({{ dimension }}, 'unknown')
    {{ 'union all' if not loop.last }}
    {%- endfor %}

)

select
    dimension,
    dimension_value,
    cast(order_count as bigint) as orders,
    cast(buyer_count as bigint) as buyers,
    {{ money('gross_revenue') }} as gross_revenue,
    {{ money('net_revenue') }} as net_revenue,
    {{ ratio('order_count', 'sum(order_count) over (partition by dimension)') }} as order_share,
    {{ ratio('gross_revenue', 'sum(gross_revenue) over (partition by dimension)') }}
        as gross_revenue_share,
    {{ ratio('net_revenue', 'sum(net_revenue) over (partition by dimension)') }}
        as net_revenue_share
from by_dimension
