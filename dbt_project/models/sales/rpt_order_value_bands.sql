with orders as (

    select * from {{ ref('fct_orders') }}

),

bands as (

    select * from {{ ref('value_bands') }}
    where measure = 'order_value'

),

measured_orders as (

    select
        'order_value' as measure,
        gross_revenue as value
    from orders
    union all
    select
        'paid_amount' as measure,
        paid_amount as value
    from orders
    where paid_amount is not null

),

measures as (

    select measure from measured_orders
    group by measure

),

counted as (

    select
        measured_orders.measure,
        bands.band,
        count(*) as order_count,
        sum(measured_orders.value) as revenue
    from measured_orders
    inner join bands
        on
            (bands.lower_bound is null or measured_orders.value >= bands.lower_bound)
            and (bands.upper_bound is null or measured_orders.value < bands.upper_bound)
    group by measured_orders.measure, bands.band

),

filled as (

    select
        measures.measure,
        bands.band,
        bands.lower_bound,
        bands.upper_bound,
        coalesce(counted.order_count, 0) as order_count,
        coalesce(counted.revenue, 0) as revenue
    from measures
    cross join bands
    left join counted
        on
            measures.measure = counted.measure
            and bands.band = counted.band

)

select
    measure,
    cast(band as bigint) as band,
    {{ money('lower_bound') }} as lower_bound,
    {{ money('upper_bound') }} as upper_bound,
    cast(order_count as bigint) as orders,
    {{ ratio('order_count', 'sum(order_count) over (partition by measure)') }} as order_share,
    {{ money('revenue') }} as revenue,
    {{ ratio('revenue', 'sum(revenue) over (partition by measure)') }} as revenue_share
from filled
