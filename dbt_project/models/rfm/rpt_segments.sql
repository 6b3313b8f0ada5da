with scores as (

    select * from {{ ref('fct_rfm_scores') }}

),

snapshots as (

    select * from {{ ref('fct_rfm_snapshots') }}

),

segments as (

    select
        scheme,
        segment,
        min(segment_order) as segment_order,
        min(name_en) as name_en,
        min(name_zh) as name_zh
    from {{ ref('rfm_segments') }}
    group by scheme, segment

),

snapshot_dates as (

    select * from {{ ref('dim_snapshots') }}

),

summed as (

    select
        scores.scheme,
        scores.snapshot_date,
        scores.segment,
        count(*) as customer_count,
        sum(snapshots.monetary) as revenue,
        avg(cast(snapshots.recency_days as double)) as mean_recency_days,
        avg(cast(snapshots.frequency as double)) as mean_frequency
    from scores
    inner join snapshots
        on
            scores.snapshot_date = snapshots.snapshot_date
            and scores.customer_id = snapshots.customer_id
    group by scores.scheme, scores.snapshot_date, scores.segment

),

-- Every segment has a row, also one that nobody is in.
filled as (

    select
        segments.scheme,
        snapshot_dates.snapshot_date,
        segments.segment,
        segments.segment_order,
        segments.name_en,
        segments.name_zh,
        coalesce(summed.customer_count, 0) as customer_count,
        coalesce(summed.revenue, 0) as revenue,
        summed.mean_recency_days,
        summed.mean_frequency
    from segments
    cross join snapshot_dates
    left join summed
        on
            segments.scheme = summed.scheme
            and snapshot_dates.snapshot_date = summed.snapshot_date
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
    cast(segment_order as bigint) as segment_order,
    name_en,
    name_zh,
    cast(customer_count as bigint) as customers,
    {{ ratio('customer_count', 'total_customer_count') }} as customer_share,
    {{ money('revenue') }} as revenue,
    {{ ratio('revenue', 'total_revenue') }} as revenue_share,
    mean_recency_days,
    mean_frequency,
    {{ ratio('revenue', 'customer_count') }} as mean_monetary
from totalled
