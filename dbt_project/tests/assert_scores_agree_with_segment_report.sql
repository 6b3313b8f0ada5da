-- The scores of the last snapshot, customer by customer, give the report made from moves.
-- What it compares are two ways of reading the same intervals: tried in full builds.

{%- set last_date = date_literal(last_two_snapshots()[1]) %}

with scored as (

    select
        scheme,
        snapshot_date,
        segment,
        count(*) as customers
    from {{ ref('fct_rfm_scores') }}
    where
        {{ is_full_build() }}
        and snapshot_date = {{ last_date }}
    group by scheme, snapshot_date, segment

)

select
    segments.scheme,
    segments.segment,
    segments.customers,
    scored.customers as scored_customers
from {{ ref('rpt_segments') }} as segments
left join scored
    on
        segments.scheme = scored.scheme
        and segments.snapshot_date = scored.snapshot_date
        and segments.segment = scored.segment
where
    {{ is_full_build() }}
    and segments.snapshot_date = {{ last_date }}
    and segments.customers <> coalesce(scored.customers, 0)
