with order_lines as (

    select * from {{ ref('fct_order_lines') }}
    where
        line_type = 'sale'
        and line_kind = 'product'

),

bands as (

    select * from {{ ref('value_bands') }}
    where measure = 'unit_price'

),

-- Prices are few and lines are many: sum by product and price before looking for the band.
prices as (

    select
        product_id,
        unit_price,
        count(*) as line_count,
        sum(quantity) as unit_count,
        sum(gross_revenue) as gross_revenue,
        sum(net_revenue) as net_revenue
    from order_lines
    group by product_id, unit_price

),

summed as (

    select
        bands.band,
        count(distinct prices.product_id) as product_count,
        sum(prices.line_count) as line_count,
        sum(prices.unit_count) as unit_count,
        sum(prices.gross_revenue) as gross_revenue,
        sum(prices.net_revenue) as net_revenue
    from prices
    inner join bands
        on
            (bands.lower_bound is null or prices.unit_price >= bands.lower_bound)
            and (bands.upper_bound is null or prices.unit_price < bands.upper_bound)
    group by bands.band

),

filled as (

    select
        bands.band,
        bands.lower_bound,
        bands.upper_bound,
        coalesce(summed.product_count, 0) as product_count,
        coalesce(summed.line_count, 0) as line_count,
        coalesce(summed.unit_count, 0) as unit_count,
        coalesce(summed.gross_revenue, 0) as gross_revenue,
        coalesce(summed.net_revenue, 0) as net_revenue
    from bands
    left join summed
        on bands.band = summed.band

)

select
    cast(band as bigint) as band,
    {{ money('lower_bound') }} as lower_bound,
    {{ money('upper_bound') }} as upper_bound,
    cast(product_count as bigint) as products,
    cast(line_count as bigint) as line_count,
    cast(unit_count as bigint) as units,
    {{ money('gross_revenue') }} as gross_revenue,
    {{ money('net_revenue') }} as net_revenue,
    {{ ratio('line_count', 'product_count') }} as lines_per_product,
    {{ ratio('unit_count', 'product_count') }} as units_per_product,
    {{ ratio('gross_revenue', 'sum(gross_revenue) over ()') }} as gross_revenue_share
from filled
