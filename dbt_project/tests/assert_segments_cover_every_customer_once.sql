with reported as (

    select
        scheme,
        snapshot_date,
        sum(customers) as customers,
        sum(revenue) as revenue
    from {{ ref('rpt_segments') }}
    group by scheme, snapshot_date

),

expected as (

    select
        schemes.scheme,
        snapshots.snapshot_date,
        count(*) as customers,
        sum(snapshots.monetary) as revenue
    from {{ ref('fct_rfm_snapshots') }} as snapshots
    cross join {{ ref('rfm_schemes') }} as schemes
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
