-- A customer belongs to the country and the channel of the first order for good, so that stock and
-- flow of a value agree month by month. Before it (a prospect, money that moved before the month of
-- the first order) the value is unknown, as it was then.

{%- set dimensions = ['country', 'channel'] %}
{%- set counts = [
    'new_count', 'active_count', 'reactivated_count', 'repeat_buyer_count', 'order_count',
] %}

with purchase_months as (

    select * from {{ ref('fct_purchase_months') }}

),

customers as (

    select
        customer_id,
        coalesce(first_country, 'unknown') as country,
        coalesce(first_channel, 'unknown') as channel,
        {{ month_of('first_order_date') }} as first_order_month
    from {{ ref('dim_customers') }}

),

lifecycle_by_month as (

    select * from {{ ref('rpt_lifecycle_by_month') }}

),

months as (

    select * from {{ ref('dim_months') }}

),

placed as (

    select
        purchase_months.*,
        case
            when customers.first_order_month > purchase_months.order_month then 'unknown'
            else customers.country
        end as country,
        case
            when customers.first_order_month > purchase_months.order_month then 'unknown'
            else customers.channel
        end as channel
    from purchase_months
    inner join customers
        on purchase_months.customer_id = customers.customer_id

),

-- All dimensions at once: one pass over the customers, few rows left.
counted as (

    select
        country,
        channel,
        order_month,
        sum(case when state = 'new' then 1 else 0 end) as new_count,
        sum(case when state = 'active' then 1 else 0 end) as active_count,
        sum(case when state = 'reactivated' then 1 else 0 end)
            as reactivated_count,
        sum(case when order_count > 1 then 1 else 0 end) as repeat_buyer_count,
        sum(order_count) as order_count,
        sum(revenue) as revenue
    from placed
    group by country, channel, order_month

),

by_value as (

    {%- for dimension in dimensions %}
    select
        '{{ dimension }}' as dimension,
        {{ dimension }} as dimension_value,
        order_month,
        {{ counts | join(',\n        ') }},
        0 as prospect_count,
        revenue
    from counted
    union all
    select
        '{{ dimension }}' as dimension,
        'unknown' as dimension_value,
        order_month,
        {%- for count in counts %}
        0 as {{ count }},
        {%- endfor %}
        prospects as prospect_count,
        {{ money('0') }} as revenue
    from lifecycle_by_month
    where prospects > 0
    {{ 'union all' if not loop.last }}
    {%- endfor %}

),

summed as (

    select
        dimension,
        dimension_value,
        order_month,
        {%- for count in counts %}
        sum({{ count }}) as {{ count }},
        {%- endfor %}
        sum(prospect_count) as prospect_count,
        sum(revenue) as revenue
    from by_value
    group by dimension, dimension_value, order_month

),

value_ranges as (

    select
        dimension,
        dimension_value,
        min(order_month) as first_value_month
    from summed
    group by dimension, dimension_value

),

filled as (

    select
        value_ranges.dimension,
        value_ranges.dimension_value,
        months.order_month,
        months.is_partial_month,
        months.is_left_censored_month,
        {%- for count in counts %}
        coalesce(summed.{{ count }}, 0) as {{ count }},
        {%- endfor %}
        coalesce(summed.prospect_count, 0) as prospect_count,
        coalesce(summed.revenue, 0) as revenue
    from value_ranges
    inner join months
        on value_ranges.first_value_month <= months.order_month
    left join summed
        on
            value_ranges.dimension = summed.dimension
            and value_ranges.dimension_value = summed.dimension_value
            and months.order_month = summed.order_month

),

accumulated as (

    select
        *,
        new_count + active_count + reactivated_count as buyer_count,
        sum(new_count) over (
            partition by dimension, dimension_value
            order by order_month
            rows between unbounded preceding and current row
        ) as customer_count,
        lag(new_count + active_count + reactivated_count, 1, 0) over (
            partition by dimension, dimension_value
            order by order_month
        ) as last_month_buyer_count
    from filled

)

select
    dimension,
    dimension_value,
    order_month,
    cast(new_count as bigint) as new,
    cast(active_count as bigint) as active,
    cast(reactivated_count as bigint) as reactivated,
    cast(customer_count - buyer_count as bigint) as inactive,
    cast(last_month_buyer_count - active_count as bigint) as newly_lapsed,
    cast(buyer_count as bigint) as buyers,
    cast(repeat_buyer_count as bigint) as repeat_buyers,
    cast(customer_count as bigint) as customers,
    cast(prospect_count as bigint) as prospects,
    cast(order_count as bigint) as orders,
    {{ money('revenue') }} as revenue,
    is_partial_month,
    is_left_censored_month
from accumulated
