-- Meant to be filtered by scheme, from_snapshot and to_snapshot: all pairs are many.

{{ config(materialized='view') }}

with scores as (

    select
        scores.scheme,
        scores.snapshot_date,
        scores.customer_id,
        scores.segment,
        snapshots.monetary
    from {{ ref('fct_rfm_scores') }} as scores
    inner join {{ ref('fct_rfm_snapshots') }} as snapshots
        on
            scores.snapshot_date = snapshots.snapshot_date
            and scores.customer_id = snapshots.customer_id

),

pairs as (

    select
        earlier.snapshot_date as from_snapshot,
        later.snapshot_date as to_snapshot
    from {{ ref('dim_snapshots') }} as earlier
    inner join {{ ref('dim_snapshots') }} as later
        on earlier.snapshot_date < later.snapshot_date

),

sides as (

    select
        scores.scheme,
        pairs.from_snapshot,
        pairs.to_snapshot,
        scores.customer_id,
        scores.segment as from_segment,
        cast(null as varchar) as to_segment,
        scores.monetary as revenue_before,
        {{ money('0') }} as revenue_after
    from scores
    inner join pairs
        on scores.snapshot_date = pairs.from_snapshot
    union all
    select
        scores.scheme,
        pairs.from_snapshot,
        pairs.to_snapshot,
        scores.customer_id,
        cast(null as varchar) as from_segment,
        scores.segment as to_segment,
        {{ money('0') }} as revenue_before,
        scores.monetary as revenue_after
    from scores
    inner join pairs
        on scores.snapshot_date = pairs.to_snapshot

),

customers as (

    select
        scheme,
        from_snapshot,
        to_snapshot,
        customer_id,
        coalesce(max(from_segment), 'entered') as from_segment,
        coalesce(max(to_segment), 'left') as to_segment,
        sum(revenue_before) as revenue_before,
        sum(revenue_after) as revenue_after
    from sides
    group by scheme, from_snapshot, to_snapshot, customer_id

)

select
    scheme,
    from_snapshot,
    to_snapshot,
    from_segment,
    to_segment,
    count(*) as customers,
    {{ sum_money('revenue_before') }} as revenue_before,
    {{ sum_money('revenue_after') }} as revenue_after
from customers
group by scheme, from_snapshot, to_snapshot, from_segment, to_segment
