-- Quantiles of the distribution as it stands, in decimal: the value at place q (n - 1) of the n
-- sorted ones, counted from 0, and between two places the straight line from one to the other.

{%- set quantiles = ['0', '0.1', '0.25', '0.5', '0.75', '0.9', '0.95', '0.99', '1'] %}

with orders as (

    select * from {{ ref('fct_orders') }}

),

paid_orders as (

    select * from {{ ref('fct_orders') }}
    where paid_amount is not null

),

-- Values recur: few rows to sort.
measured_values as (

    select
        'order_value' as measure,
        gross_revenue as value,
        count(*) as order_count
    from orders
    group by gross_revenue
    union all
    select
        'paid_amount' as measure,
        paid_amount as value,
        count(*) as order_count
    from paid_orders
    group by paid_amount

),

totalled as (

    select
        *,
        sum(order_count) over (
            partition by measure
            order by value
            rows between unbounded preceding and current row
        ) as order_count_up_to,
        sum(order_count) over (partition by measure) as total_order_count,
        lead(value, 1, value) over (
            partition by measure
            order by value
        ) as next_value
    from measured_values

),

quantiles as (

    {%- for quantile in quantiles %}
    select cast({{ quantile }} as decimal(3, 2)) as quantile
    {{ 'union all' if not loop.last }}
    {%- endfor %}

),

-- Each value takes the places from order_count_up_to - order_count to order_count_up_to - 1; what
-- lies between its last place and the next value's first is interpolated.
located as (

    select
        totalled.*,
        quantiles.quantile,
        cast(
            quantiles.quantile * cast(totalled.total_order_count - 1 as decimal(18, 0))
            as decimal(20, 2)
        ) as place,
        cast(totalled.order_count_up_to as decimal(18, 0)) as next_value_place
    from totalled
    cross join quantiles

),

found as (

    select
        measure,
        quantile,
        total_order_count,
        value,
        next_value,
        cast(greatest(place - next_value_place + 1, 0) as decimal(3, 2)) as way_to_next_value
    from located
    where
        place < next_value_place
        and place >= next_value_place - order_count

)

select
    measure,
    cast(quantile as double) as quantile,
    {{ money('value + way_to_next_value * (next_value - value)') }} as value,
    cast(total_order_count as bigint) as orders
from found
