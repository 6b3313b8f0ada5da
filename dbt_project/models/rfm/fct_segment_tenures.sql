-- Segments are looked at on snapshot dates: what lies between two of them is not seen.

{{ config(materialized='view') }}

with scores as (

    select
        scores.scheme,
        scores.customer_id,
        scores.segment,
        scores.snapshot_date,
        snapshots.snapshot_number,
        snapshots.is_as_of
    from {{ ref('fct_rfm_scores') }} as scores
    inner join {{ ref('dim_snapshots') }} as snapshots
        on scores.snapshot_date = snapshots.snapshot_date

),

compared as (

    select
        *,
        lag(segment) over (partition by scheme, customer_id order by snapshot_number)
            as earlier_segment,
        lag(snapshot_number) over (partition by scheme, customer_id order by snapshot_number)
            as earlier_snapshot_number,
        max(case when is_as_of then segment end) over (partition by scheme, customer_id)
            as last_segment,
        max(case when is_as_of then snapshot_date end) over (partition by scheme, customer_id)
            as last_snapshot_date
    from scores

),

-- A customer enters a segment from another one, or from outside the snapshots.
entries as (

    select
        *,
        case
            when
                earlier_segment = segment
                and earlier_snapshot_number = snapshot_number - 1
                then 0
            else 1
        end as is_entry
    from compared
    where last_segment is not null

)

select
    scheme,
    customer_id,
    last_snapshot_date as snapshot_date,
    last_segment as segment,
    max(case when segment = last_segment and is_entry = 1 then snapshot_date end) as segment_since,
    cast({{ dbt.datediff(
        'max(case when segment = last_segment and is_entry = 1 then snapshot_date end)',
        'last_snapshot_date',
        'day'
    ) }} as bigint) as days_in_segment,
    cast(sum(case when segment = last_segment then is_entry else 0 end) - 1 as bigint) as reentries,
    cast(sum(case when earlier_segment <> segment then 1 else 0 end) as bigint) as segment_changes
from entries
group by scheme, customer_id, last_snapshot_date, last_segment
