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

listed_products as (

    select * from {{ ref('dim_products') }}
    where
        line_kind = 'product'
        and list_price is not null

),

-- Prices and quantities are few and lines are many: sum by them before looking for the band.
sales as (

    select
        product_id,
        unit_price,
        quantity,
        count(*) as line_count,
        sum(gross_revenue) as gross_revenue,
        sum(net_revenue) as net_revenue
    from order_lines
    group by product_id, unit_price, quantity

),

prices as (

    select
        product_id,
        unit_price,
        sum(line_count) as line_count,
        sum(line_count * quantity) as unit_count,
        sum(
            cast(line_count as decimal(19, 0))
            * cast(cast(quantity as decimal(19, 0)) * quantity as decimal(19, 0))
        ) as squared_unit_count,
        sum(gross_revenue) as gross_revenue,
        sum(net_revenue) as net_revenue
    from sales
    group by product_id, unit_price
    union all
    select
        product_id,
        list_price as unit_price,
        0 as line_count,
        0 as unit_count,
        0 as squared_unit_count,
        0 as gross_revenue,
        0 as net_revenue
    from listed_products

),

summed as (

    select
        bands.band,
        count(distinct case when prices.line_count > 0 then prices.product_id end)
            as product_count,
        count(distinct prices.product_id) as listed_product_count,
        sum(prices.line_count) as line_count,
        sum(prices.unit_count) as unit_count,
        sum(prices.squared_unit_count) as squared_unit_count,
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
        coalesce(summed.listed_product_count, 0) as listed_product_count,
        coalesce(summed.line_count, 0) as line_count,
        coalesce(summed.unit_count, 0) as unit_count,
        -- Pieces per event, and how many events of that size make up the pieces.
        coalesce(
            {{ ratio('summed.squared_unit_count', 'summed.unit_count') }}, 1
        ) as units_per_event,
        coalesce(
            cast(summed.unit_count as double)
            * {{ ratio('summed.unit_count', 'summed.squared_unit_count') }}, 0
        ) as event_count,
        coalesce(summed.gross_revenue, 0) as gross_revenue,
        coalesce(summed.net_revenue, 0) as net_revenue
    from bands
    left join summed
        on bands.band = summed.band

),

bounded as (

    select
        *,
        {{ poisson_lower_bound('cast(line_count as double)') }} as line_count_lower,
        {{ poisson_upper_bound('cast(line_count as double)') }} as line_count_upper,
        units_per_event * ({{ poisson_lower_bound('event_count') }}) as unit_count_lower,
        units_per_event * ({{ poisson_upper_bound('event_count') }}) as unit_count_upper
    from filled

)

select
    cast(band as bigint) as band,
    {{ money('lower_bound') }} as lower_bound,
    {{ money('upper_bound') }} as upper_bound,
    cast(product_count as bigint) as products,
    cast(listed_product_count as bigint) as listed_products,
    cast(line_count as bigint) as line_count,
    cast(unit_count as bigint) as units,
    {{ money('gross_revenue') }} as gross_revenue,
    {{ money('net_revenue') }} as net_revenue,
    {{ ratio('line_count', 'product_count') }} as lines_per_product,
    {{ ratio('unit_count', 'product_count') }} as units_per_product,
    {{ ratio('line_count', 'listed_product_count') }} as lines_per_listed_product,
    {{ ratio('line_count_lower', 'listed_product_count') }} as lines_per_listed_product_lower,
    {{ ratio('line_count_upper', 'listed_product_count') }} as lines_per_listed_product_upper,
    {{ ratio('unit_count', 'listed_product_count') }} as units_per_listed_product,
    {{ ratio('unit_count_lower', 'listed_product_count') }} as units_per_listed_product_lower,
    {{ ratio('unit_count_upper', 'listed_product_count') }} as units_per_listed_product_upper,
    {{ ratio('gross_revenue', 'sum(gross_revenue) over ()') }} as gross_revenue_share
from bounded
