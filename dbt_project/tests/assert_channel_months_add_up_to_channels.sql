-- The months of a channel, platform or country add up to what its orders hold at the as-of date;
-- buyers do not add up over months.

with summed as (

    select
        dimension,
        dimension_value,
        sum(orders) as orders,
        sum(gross_revenue) as gross_revenue,
        sum(net_revenue) as net_revenue
    from {{ ref('rpt_channel_share_by_month') }}
    group by dimension, dimension_value

)

select
    coalesce(summed.dimension, shares.dimension) as dimension,
    coalesce(summed.dimension_value, shares.dimension_value) as dimension_value,
    summed.orders as month_orders,
    shares.orders,
    summed.net_revenue as month_net_revenue,
    shares.net_revenue
from summed
full outer join {{ ref('rpt_channel_share') }} as shares
    on
        summed.dimension = shares.dimension
        and summed.dimension_value = shares.dimension_value
where
    summed.orders is distinct from shares.orders
    or summed.gross_revenue is distinct from shares.gross_revenue
    or summed.net_revenue is distinct from shares.net_revenue
