-- At every snapshot the segments of each scheme hold the customers that the intervals show.

with reported as (

    select
        scheme,
        snapshot_date,
        sum(customers) as customers,
        sum(revenue) as revenue
    from {{ ref('rpt_segments') }}
    group by scheme, snapshot_date

),

-- Of each interval its begin adds and its end takes away, so that sums up to a date are the state.
changes as (

    select
        valid_from as change_date,
        1 as customers,
        monetary as revenue
    from {{ ref('fct_rfm_intervals') }}
    union all
    select
        valid_until as change_date,
        -1 as customers,
        -monetary as revenue
    from {{ ref('fct_rfm_intervals') }}

),

changes_by_date as (

    select
        change_date,
        sum(customers) as customers,
        sum(revenue) as revenue
    from changes
    group by change_date

),

expected as (

    select
        schemes.scheme,
        snapshots.snapshot_date,
        coalesce(sum(changes_by_date.customers), 0) as customers,
        coalesce(sum(changes_by_date.revenue), 0) as revenue
    from {{ ref('dim_snapshots') }} as snapshots
    cross join {{ ref('int_rfm_schemes') }} as schemes
    left join changes_by_date
        on snapshots.snapshot_date >= changes_by_date.change_date
    group by schemes.scheme, snapshots.snapshot_date

)

select
    expected.scheme,
    expected.snapshot_date,
    expected.customers,
    reported.customers as reported_customers
from expected
left join reported
    on
        expected.scheme = reported.scheme
        and expected.snapshot_date = reported.snapshot_date
where
    expected.customers <> coalesce(reported.customers, 0)
    or expected.revenue <> coalesce(reported.revenue, 0)
