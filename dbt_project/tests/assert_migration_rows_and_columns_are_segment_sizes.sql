-- Rows add up to the sizes of the earlier snapshot's segments, columns to those of the later one.

with sides as (

    select
        scheme,
        from_snapshot,
        to_snapshot,
        'earlier' as side,
        from_segment as segment,
        customers,
        revenue_before as revenue
    from {{ ref('rpt_segment_migration') }}
    where from_segment <> 'entered'
    union all
    select
        scheme,
        from_snapshot,
        to_snapshot,
        'later' as side,
        to_segment as segment,
        customers,
        revenue_after as revenue
    from {{ ref('rpt_segment_migration') }}
    where to_segment <> 'left'

),

summed as (

    select
        scheme,
        to_snapshot,
        side,
        segment,
        sum(customers) as customers,
        sum(revenue) as revenue
    from sides
    group by scheme, to_snapshot, side, segment

),

sizes as (

    select
        segments.scheme,
        snapshots.snapshot_date as to_snapshot,
        case
            when segments.snapshot_date = snapshots.snapshot_date then 'later'
            else 'earlier'
        end as side,
        segments.segment,
        segments.customers,
        segments.revenue
    from {{ ref('rpt_segments') }} as segments
    inner join {{ ref('dim_snapshots') }} as snapshots
        on
            segments.snapshot_date = snapshots.snapshot_date
            or segments.snapshot_date = snapshots.previous_snapshot_date
    where snapshots.previous_snapshot_date is not null

)

select
    sizes.scheme,
    sizes.to_snapshot,
    sizes.side,
    sizes.segment,
    sizes.customers,
    summed.customers as moved_customers
from sizes
left join summed
    on
        sizes.scheme = summed.scheme
        and sizes.to_snapshot = summed.to_snapshot
        and sizes.side = summed.side
        and sizes.segment = summed.segment
where
    sizes.customers <> coalesce(summed.customers, 0)
    or sizes.revenue <> coalesce(summed.revenue, 0)
