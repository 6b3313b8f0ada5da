with orders as (

    select * from {{ ref('fct_orders') }}

),

paid_orders as (

    select * from {{ ref('fct_orders') }}
    where paid_amount is not null

),

bands as (

    select * from {{ ref('value_bands') }}
    where measure = 'order_value'

),

-- Values recur: sum by value before looking for the band.
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

counted as (

    select
        measured_values.measure,
        bands.band,
        sum(measured_values.order_count) as order_count,
        sum(measured_values.order_count * measured_values.value) as revenue
    from measured_values
    inner join bands
        on
            (bands.lower_bound is null or measured_values.value >= bands.lower_bound)
            and (bands.upper_bound is null or measured_values.value < bands.upper_bound)
    group by measured_values.measure, bands.band

),

measures as (

    select measure from counted
    group by measure

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

),

accumulated as (

    select
        *,
        sum(order_count) over (partition by measure) as total_order_count,
        sum(revenue) over (partition by measure) as total_revenue,
        sum(order_count) over (
            partition by measure
            order by band
            rows between unbounded preceding and current row
        ) as cumulative_order_count,
        sum(revenue) over (
            partition by measure
            order by band
            rows between unbounded preceding and current row
        ) as cumulative_revenue
    from filled

)

select
    measure,
    cast(band as bigint) as band,
    {{ money('lower_bound') }} as lower_bound,
    {{ money('upper_bound') }} as upper_bound,
    cast(order_count as bigint) as orders,
    {{ ratio('order_count', 'total_order_count') }} as order_share,
    {{ ratio('cumulative_order_count', 'total_order_count') }} as cumulative_order_share,
    {{ money('revenue') }} as revenue,
    {{ ratio('revenue', 'total_revenue') }} as revenue_share,
    {{ ratio('cumulative_revenue', 'total_revenue') }} as cumulative_revenue_share
from accumulated
