-- Between the last two snapshots, the view over any two says what the report of neighbours says.
-- What it compares are two ways of reading the same intervals: tried in full builds.
{{ config(meta={
    'dagster': {'ref': {'name': 'rpt_segment_migration_between', 'package_name': 'customer_value'}}
}) }}

{%- set from_snapshot, to_snapshot = last_two_snapshots() %}

with viewed as (

    select * from {{ ref('rpt_segment_migration_between') }}
    where
        {{ is_full_build() }}
        and from_snapshot = {{ date_literal(from_snapshot) }}
        and to_snapshot = {{ date_literal(to_snapshot) }}

),

reported as (

    select * from {{ ref('rpt_segment_migration') }}
    where
        {{ is_full_build() }}
        and from_snapshot = {{ date_literal(from_snapshot) }}
        and to_snapshot = {{ date_literal(to_snapshot) }}

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
