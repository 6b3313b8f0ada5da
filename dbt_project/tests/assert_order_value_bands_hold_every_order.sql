-- Bands hold each order once per measure, with its whole value, and their shares end at 1; the
-- quantiles count as many orders.

with expected as (

    select
        'order_value' as measure,
        count(*) as order_count,
        sum(gross_revenue) as revenue
    from {{ ref('fct_orders') }}
    having count(*) > 0
    union all
    select
        'paid_amount' as measure,
        count(*) as order_count,
        sum(paid_amount) as revenue
    from {{ ref('fct_orders') }}
    where paid_amount is not null
    having count(*) > 0

),

banded as (

    select
        measure,
        sum(orders) as order_count,
        sum(revenue) as revenue,
        max_by(cumulative_order_share, band) as last_order_share,
        max_by(cumulative_revenue_share, band) as last_revenue_share
    from {{ ref('rpt_order_value_bands') }}
    group by measure

),

ranged as (

    select
        measure,
        min(orders) as order_count,
        count(*) as quantile_count,
        min_by(value, quantile) as smallest,
        max_by(value, quantile) as largest
    from {{ ref('rpt_order_value_quantiles') }}
    group by measure

)

select
    expected.measure,
    expected.order_count,
    banded.order_count as banded_order_count,
    ranged.order_count as ranged_order_count
from expected
left join banded
    on expected.measure = banded.measure
left join ranged
    on expected.measure = ranged.measure
where
    expected.order_count is distinct from banded.order_count
    or expected.revenue is distinct from banded.revenue
    or expected.order_count is distinct from ranged.order_count
    or banded.last_order_share is distinct from 1
    or (expected.revenue <> 0 and banded.last_revenue_share is distinct from 1)
    or ranged.quantile_count <> 9
    or ranged.smallest > ranged.largest
