with moves as (

    select * from {{ ref('rpt_segment_moves') }}
    where to_segment <> 'none'

),

segments as (

    select
        scheme,
        segment,
        min(segment_order) as segment_order,
        min(name_en) as name_en,
        min(name_zh) as name_zh
    from {{ ref('dim_rfm_cells') }}
    group by scheme, segment

),

snapshots as (

    select * from {{ ref('dim_snapshots') }}

),

summed as (

    select
        scheme,
        to_snapshot as snapshot_date,
        to_segment as segment,
        sum(customers) as customer_count,
        sum(monetary_after) as revenue,
        sum(recency_days) as recency_days,
        sum(frequency) as frequency
    from moves
    group by scheme, to_snapshot, to_segment

),

-- Every segment has a row, also one that nobody is in.
filled as (

    select
        segments.scheme,
        snapshots.snapshot_date,
        segments.segment,
        segments.segment_order,
        segments.name_en,
        segments.name_zh,
        coalesce(summed.customer_count, 0) as customer_count,
        coalesce(summed.revenue, 0) as revenue,
        summed.recency_days,
        summed.frequency
    from segments
    cross join snapshots
    left join summed
        on
            segments.scheme = summed.scheme
            and snapshots.snapshot_date = summed.snapshot_date
            and segments.segment = summed.segment

),

totalled as (

    select
        *,
        sum(customer_count) over (partition by scheme, snapshot_date) as total_customer_count,
        sum(revenue) over (partition by scheme, snapshot_date) as total_revenue
    from filled

)

select
    scheme,
    snapshot_date,
    segment,
    segment_order,
    name_en,
    name_zh,
    cast(customer_count as bigint) as customers,
    {{ ratio('customer_count', 'total_customer_count') }} as customer_share,
    {{ money('revenue') }} as revenue,
    {{ ratio('revenue', 'total_revenue') }} as revenue_share,
    {{ ratio('recency_days', 'customer_count') }} as mean_recency_days,
    {{ ratio('frequency', 'customer_count') }} as mean_frequency,
    {{ ratio('revenue', 'customer_count') }} as mean_monetary
from totalled
