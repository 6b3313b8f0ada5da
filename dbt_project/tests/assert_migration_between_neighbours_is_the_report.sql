-- Between the last two snapshots, the view over any two says what the report of neighbours says.

with between_any as (

    select * from {{ ref('rpt_segment_migration_between') }}

),

last_snapshots as (

    select * from {{ ref('dim_snapshots') }}
    where is_as_of

),

viewed as (

    select between_any.*
    from between_any
    where
        between_any.to_snapshot = (select last_ones.snapshot_date from last_snapshots as last_ones)
        and between_any.from_snapshot
        = (select last_ones.previous_snapshot_date from last_snapshots as last_ones)

),

reported as (

    select migration.*
    from {{ ref('rpt_segment_migration') }} as migration
    inner join last_snapshots
        on migration.to_snapshot = last_snapshots.snapshot_date

)

select
    coalesce(viewed.scheme, reported.scheme) as scheme,
    coalesce(viewed.from_segment, reported.from_segment) as from_segment,
    coalesce(viewed.to_segment, reported.to_segment) as to_segment,
    viewed.customers,
    reported.customers as reported_customers
from viewed
full outer join reported
    on
        viewed.scheme = reported.scheme
        and viewed.from_segment = reported.from_segment
        and viewed.to_segment = reported.to_segment
where
    viewed.scheme is null
    or reported.scheme is null
    or viewed.customers <> reported.customers
    or viewed.revenue_before <> reported.revenue_before
    or viewed.revenue_after <> reported.revenue_after
